/** The command line of Fairway. */
import { type Command, CommanderError } from 'commander'
import { coded, exitCodeOf, printError } from './errors.ts'
import { buildProgram, pathOf } from './program.ts'
import { answer } from './terminal.ts'

/** Runs one command and sets the exit code of the process. Never throws. */
export async function main(args: readonly string[]): Promise<void> {
  // `fairway ... | head`: the reader has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? process.exitCode : 1))
  let command: Command | undefined
  const program = buildProgram(commandName(), (next) => {
    command = next
  })
  try {
    await program.parseAsync(args[0] === '--version' ? ['version'] : [...args], { from: 'user' })
  } catch (error) {
    const at = command ?? program
    if (error instanceof CommanderError && error.exitCode === 0) return // --help has been printed
    if (error instanceof CommanderError && error.code === 'commander.help') return answer(at.helpInformation())
    const one = coded(error, pathOf(at))
    printError(one)
    process.exitCode = exitCodeOf(one)
  }
}

/** `kubectl fairway` when kubectl found us as its plugin. */
function commandName(): string {
  return process.env.FAIRWAY_COMMAND === 'kubectl-fairway' ? 'kubectl fairway' : 'fairway'
}
