/** The tree of commands. What a command needs is imported when it runs. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { type ColorChoice, configureTerminal } from './terminal.ts'

/**
 * Builds the tree. `onCommand` is told the innermost command that is being looked at, for errors that say where help is.
 * Nothing exits or prints errors by itself; a command that only holds others ends in an error `commander.help`.
 */
export function buildProgram(name: string, onCommand: (command: Command) => void): Command {
  const program = new Command(name).enablePositionalOptions()
  program.description('Every way into a Kubernetes pod from outside the cluster: which work, why, and what is broken.')
  addLab(program)
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

const output = () => new Option('-o, --output <form>', 'how to print the answer').choices(['table', 'json']).default('table')
const labName = () => new Option('--name <name>', 'which lab').default('lab').env('FAIRWAY_LAB')

function addLab(program: Command): void {
  const lab = program
    .command('lab')
    .description('a whole cluster on this machine, in network namespaces')
    .enablePositionalOptions()
  lab
    .command('up')
    .description('bring the lab up, or make it whole again')
    .addOption(labName())
    .option('--api-port <port>', 'loopback port of the API server (default: any free one)', portNumber)
    .option('--timeout <seconds>', 'how long to wait for the nodes', positiveNumber, 60)
    .addOption(output())
    .action(async (options) => (await import('./commands/lab-up.ts')).labUp(options))
  lab
    .command('down')
    .description('take the lab down and leave nothing behind')
    .addOption(labName())
    .option('--all', 'every lab of this machine')
    .action(async (options) => (await import('./commands/lab-down.ts')).labDown(options))
  lab
    .command('status')
    .description('hosts, processes and nodes of the lab, and what is wrong with them')
    .addOption(labName())
    .addOption(output())
    .action(async (options) => (await import('./commands/lab-status.ts')).labStatusCommand(options))
  lab
    .command('shell')
    .description('a shell on a host of the lab; kubectl and curl work there')
    .argument('[host]', 'client, a node or a router', 'client')
    .addOption(labName())
    .action(async (host, options) => (await import('./commands/lab-enter.ts')).labShell(host, options))
  lab
    .command('exec')
    .description('run a command on a host of the lab')
    .usage('[options] <host> -- <command...>')
    .argument('<host>', 'client, a node or a router')
    .argument('<command...>', 'the command and its arguments, after --')
    .addOption(labName())
    .passThroughOptions()
    .action(async (host, command, options) => (await import('./commands/lab-enter.ts')).labExec(host, command, options))
  lab
    .command('logs')
    .description("the processes' logs")
    .argument('[process]', 'one that `lab status` lists (default: all)')
    .addOption(labName())
    .option('-f, --follow', 'go on with what is logged from now')
    .option('--tail <lines>', 'how many lines of each', wholeNumber, 100)
    .addOption(output())
    .action(async (process, options) => (await import('./commands/lab-logs.ts')).labLogs(process, options))
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

function portNumber(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be a port: 1 to 65535.')
  return port
}

function positiveNumber(text: string): number {
  const number = Number(text)
  if (!(number > 0 && number < 1_000_000)) throw new InvalidArgumentError('It must be a number of seconds.')
  return number
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a number of lines.')
  return Number(text)
}
