import type { Command } from 'commander'
import { answer } from '../terminal.ts'

/** `fairway completion bash`: words of the command tree, options after a dash. The tree is fixed, so the script asks nobody. */
export function completion(program: Command): void {
  const cases = tree(program, '').map(
    ({ path, words }) => `    ${JSON.stringify(path)}) words=${JSON.stringify(words.join(' '))} ;;`,
  )
  answer(
    [
      '_fairway() {',
      '  local path="" word words=""',
      `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -* ]] || path="\${path:+$path }$word"; done`,
      '  case $path in',
      ...cases,
      '  esac',
      `  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")`,
      '}',
      'complete -F _fairway fairway kubectl-fairway',
    ].join('\n'),
  )
}

function tree(command: Command, path: string): readonly { readonly path: string; readonly words: readonly string[] }[] {
  const options = command.options.flatMap((option) => (option.long ? [option.long] : []))
  const own = { path, words: [...command.commands.map((child) => child.name()), ...options, '--help'] }
  return [own, ...command.commands.flatMap((child) => tree(child, `${path} ${child.name()}`.trim()))]
}
