import type { Argument, Command, Option } from 'commander'
import { answer } from '../terminal.ts'

/** `fairway completion bash`: commands, options after a dash, their values, and the hosts, labs, contexts and objects that there are now. */
export function completion(program: Command): void {
  answer(completionScript(program))
}

/**
 * The script. The tree of commands is fixed and written into it; labs and hosts are looked up in the folder of the labs and among the
 * namespaces, by the shell itself, so that a key press starts no program. What only a cluster knows is asked of kubectl, where it is.
 */
export function completionScript(program: Command): string {
  const commands = tree(program, '')
  return [
    ...LOOK_UPS,
    '_fairway() {',
    `  local path="" word words="" valued="" lab="\${FAIRWAY_LAB:-lab}" kube=()`,
    `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do`,
    '    if [[ $valued ]]; then',
    '      case $valued in --name) lab=$word ;; --context | --kubeconfig) kube+=("$valued" "$word") ;; esac',
    '      valued=""',
    '      continue',
    '    fi',
    `    case $word in ${longFlags(commands).join('|')}) valued=$word; continue ;; esac`,
    ...caseOf('"$path $word"', shortFlags(commands), 'valued=$word; continue', '    '),
    '    [[ $word == -* ]] && continue',
    `    case $path in ${leaves(commands).join('|')}) ;; *) path="\${path:+$path }$word" ;; esac`,
    '  done',
    `  case "\${valued:+$path $valued}" in`,
    `    '')`,
    '  case $path in',
    ...commands.map(({ path, words, looked }) => `    '${path}') words="${[...words, ...looked].join(' ')}" ;;`),
    '  esac',
    '  ;;',
    ...commands.flatMap(valueCases),
    '    *" --name") words=$(_fairway_labs) ;;',
    '    *) COMPREPLY=(); compopt -o default 2>/dev/null; return ;;',
    '  esac',
    `  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")`,
    '}',
    'complete -F _fairway fairway kubectl-fairway',
  ].join('\n')
}

const LOOK_UPS: readonly string[] = [
  '_fairway_labs() {',
  '  local dir',
  `  for dir in "\${FAIRWAY_RUN_DIR:-/run/fairway}"/*/; do [[ -d $dir ]] && basename "$dir"; done`,
  '}',
  '_fairway_hosts() {',
  '  local name',
  '  for name in /run/netns/fw-"$1"-*; do',
  `    name=\${name#/run/netns/fw-"$1"-}`,
  `    [[ $name == '*' || $name == switch || $name == pod-* ]] || printf '%s\\n' "$name"`,
  '  done',
  '}',
  '_fairway_objects() {',
  `  kubectl "\${kube[@]}" --request-timeout=2s get "$@" -o 'jsonpath={.items[*].metadata.name}' 2>/dev/null`,
  '}',
  '_fairway_contexts() {',
  `  kubectl "\${kube[@]}" config get-contexts -o name 2>/dev/null`,
  '}',
]

/** What an argument of this name, or an option's value, is looked up with. */
const LOOKED_UP: Readonly<Record<string, string>> = {
  host: '$(_fairway_hosts "$lab")',
  node: '$(_fairway_hosts "$lab")',
  peer: '$(_fairway_hosts "$lab")',
  bgppeer: '$(_fairway_objects bgppeers -A)',
  '--context': '$(_fairway_contexts)',
  '--namespace': '$(_fairway_objects namespaces)',
}

interface Node {
  readonly path: string
  readonly words: readonly string[]
  readonly options: readonly Option[]
  /** It holds no other commands: what follows are arguments. */
  readonly leaf: boolean
  /** Words that the shell looks up for its arguments. */
  readonly looked: readonly string[]
}

function tree(command: Command, path: string): readonly Node[] {
  const flags = command.options.flatMap((option) => (option.long ? [option.long] : []))
  const own: Node = {
    path,
    words: [
      ...command.commands.map((child) => child.name()),
      ...flags,
      '--help',
      ...command.registeredArguments.flatMap(choices),
    ],
    options: command.options,
    leaf: command.commands.length === 0,
    looked: [...new Set(command.registeredArguments.flatMap((argument) => LOOKED_UP[argument.name()] ?? []))],
  }
  return [own, ...command.commands.flatMap((child) => tree(child, `${path} ${child.name()}`.trim()))]
}

function choices(of: Argument | Option): readonly string[] {
  return of.argChoices ?? []
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

function leaves(commands: readonly Node[]): readonly string[] {
  return commands.filter(({ leaf }) => leaf).map(({ path }) => `'${path}'`)
}

function longFlags(commands: readonly Node[]): readonly string[] {
  return [...new Set(commands.flatMap(({ options }) => options.filter(takesValue).flatMap(({ long }) => (long ? [long] : []))))]
}

/** `-f` is `--follow` of one command and `--file` of another, so that short flags are told apart by their command. */
function shortFlags(commands: readonly Node[]): readonly string[] {
  return commands.flatMap(({ path, options }) =>
    options.filter(takesValue).flatMap(({ short }) => (short ? [`'${path} ${short}'`] : [])),
  )
}

function caseOf(word: string, patterns: readonly string[], then: string, indent: string): readonly string[] {
  return patterns.length === 0 ? [] : [`${indent}case ${word} in ${patterns.join('|')}) ${then} ;; esac`]
}

/** The values of the options of one command, where they are known. */
function valueCases({ path, options }: Node): readonly string[] {
  return options.filter(takesValue).flatMap((option) => {
    const words = [...choices(option), LOOKED_UP[option.long ?? ''] ?? ''].filter(Boolean)
    const flags = [option.short, option.long].flatMap((flag) => (flag ? [`'${path} ${flag}'`] : []))
    return words.length === 0 ? [] : [`    ${flags.join('|')}) words="${words.join(' ')}" ;;`]
  })
}
