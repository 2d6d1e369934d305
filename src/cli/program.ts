/** The tree of commands. What a command needs is imported when it runs. */
import { Command, Option } from 'commander'
import { addBgp } from './bgp-program.ts'
import { addConvert } from './convert-program.ts'
import { addLab } from './lab-program.ts'
import { output } from './options.ts'
import { addPools } from './pools-program.ts'
import { type ColorChoice, configureTerminal } from './terminal.ts'

/**
 * Builds the tree. `onCommand` is told the innermost command that is being looked at, for errors that say where help is.
 * Nothing exits or prints errors by itself; a command that only holds others ends in an error `commander.help`.
 */
export function buildProgram(name: string, onCommand: (command: Command) => void): Command {
  const program = new Command(name).enablePositionalOptions()
  program.description('Every way into a Kubernetes pod from outside the cluster: which work, why, and what is broken.')
  addBgp(program)
  addConvert(program)
  addLab(program)
  addPools(program)
  addSmall(program)
  prepare(program, onCommand)
  return program
}

/** The words that a command is called by: `fairway lab up`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

/** Exits and errors are main.ts's, and options that all commands have may stand anywhere. */
function prepare(command: Command, onCommand: (command: Command) => void): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined })
    .helpCommand(false)
    .helpOption('-h, --help', 'what there is')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).helpGroup('Everywhere:'))
    .addOption(new Option('-q, --quiet', 'no progress and no hints').helpGroup('Everywhere:'))
    .hook('preSubcommand', (_, next) => onCommand(next))
  command.hook('preAction', (_, actual) => {
    if (command.parent === null) configureTerminal(gathered(actual))
  })
  for (const child of command.commands) prepare(child, onCommand)
}

/** The nearest of the options that all commands have. */
function gathered(command: Command): { readonly color?: ColorChoice; readonly quiet?: boolean } {
  return { ...(command.parent === null ? {} : gathered(command.parent)), ...command.opts() }
}

function addSmall(program: Command): void {
  program
    .command('explain')
    .description('what a code means and what to do about it')
    .argument('[code]', 'FW0904, or its name (default: list all)')
    .addOption(output())
    .action(async (code, options) => (await import('./commands/explain.ts')).explain(code, options))
  program
    .command('version')
    .description('the version of Fairway')
    .addOption(output())
    .action(async (options) => (await import('./commands/version.ts')).version(options))
  program
    .command('completion')
    .description('a script for the shell: source <(fairway completion bash)')
    .addArgument(program.createArgument('<shell>', 'which shell').choices(['bash']))
    .action(async () => (await import('./commands/completion.ts')).completion(program))
}
