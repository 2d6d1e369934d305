import type { Command, Option } from 'commander'
import { answer } from '../terminal.ts'

/** `fairway completion bash`: commands, options after a dash, and the hosts and labs that there are now. */
export function completion(program: Command): void {
  answer(completionScript(program))
}

/**
 * The script. The tree of commands is fixed and written into it; labs and hosts are looked up in the folder of the labs and among the
 * namespaces, by the shell itself, so that a key press starts no program.
 */
export function completionScript(program: Command): string {
  const commands = tree(program, '')
  const cases = commands.map(({ path, words, hosts }) => {
    const more = hosts ? ' $(_fairway_hosts "$lab")' : ''
    return `    '${path}') words="${words.join(' ')}${more}" ;;`
  })
  const leaves = commands.filter(({ leaf }) => leaf).map(({ path }) => `'${path}'`)
  const valued = [...new Set(commands.flatMap(({ options }) => options.filter(takesValue).flatMap(flagsOf)))]
  return [
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
    '_fairway() {',
    `  local path="" word words="" valued="" lab="\${FAIRWAY_LAB:-lab}"`,
    `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do`,
    '    if [[ $valued ]]; then',
    '      [[ $valued == --name ]] && lab=$word',
    '      valued=""',
    '      continue',
    '    fi',
    `    case $word in ${valued.join('|')}) valued=$word; continue ;; -*) continue ;; esac`,
    `    case $path in ${leaves.join('|')}) ;; *) path="\${path:+$path }$word" ;; esac`,
    '  done',
    '  case $valued in',
    '    --name) words=$(_fairway_labs) ;;',
    '    ?*) COMPREPLY=(); compopt -o default 2>/dev/null; return ;;',
    '    *)',
    '  case $path in',
    ...cases,
    '  esac',
    '  ;; esac',
    `  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")`,
    '}',
    'complete -F _fairway fairway kubectl-fairway',
  ].join('\n')
}

interface Node {
  readonly path: string
  readonly words: readonly string[]
  readonly options: readonly Option[]
  /** It holds no other commands: what follows are arguments. */
  readonly leaf: boolean
  /** Its arguments are hosts of the lab. */
  readonly hosts: boolean
}

const HOST_ARGUMENTS: readonly string[] = ['host', 'node', 'peer']

function tree(command: Command, path: string): readonly Node[] {
  const flags = command.options.flatMap((option) => (option.long ? [option.long] : []))
  const own: Node = {
    path,
    words: [...command.commands.map((child) => child.name()), ...flags, '--help'],
    options: command.options,
    leaf: command.commands.length === 0,
    hosts: command.registeredArguments.some((argument) => HOST_ARGUMENTS.includes(argument.name())),
  }
  return [own, ...command.commands.flatMap((child) => tree(child, `${path} ${child.name()}`.trim()))]
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

/** `-f` is `--follow` of one command and `--file` of another, so that only long flags tell whether a value follows. */
function flagsOf(option: Option): readonly string[] {
  return option.long ? [option.long] : []
}
