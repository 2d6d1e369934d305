/** A whole lab for a live test: brought up and taken down by the product's own command, as a user would. */
import { fileURLToPath } from 'node:url'
import { type RunResult, run, tryRun } from '../../src/linux/run.ts'

export const FAIRWAY = fileURLToPath(new URL('../../bin/fairway', import.meta.url))

export interface LiveLab {
  readonly name: string
  /** Runs `fairway lab VERB --name NAME ...`. */
  lab(args: readonly string[]): Promise<RunResult>
  /** Runs a shell line on one of the lab's hosts; standard input is `input`. */
  on(host: string, line: string, input?: string): Promise<RunResult>
  /** Like `on('client', ...)`, and fails with what was printed when the exit code is not 0; returns standard output. */
  client(line: string, input?: string): Promise<string>
  down(): Promise<void>
}

/** Brings a lab up. `name` must be of one test file alone, so that files may run side by side. */
export async function bringUpLab(name: string, ...flags: readonly string[]): Promise<LiveLab> {
  await run([FAIRWAY, 'lab', 'down', '--name', name])
  try {
    await run([FAIRWAY, 'lab', 'up', '--name', name, ...flags])
  } catch (error) {
    await run([FAIRWAY, 'lab', 'down', '--name', name]) // nobody gets a handle to do it by
    throw error
  }
  return labOf(name)
}

/** The handle of a lab that may or may not be up. */
export function labOf(name: string): LiveLab {
  const on = (host: string, line: string, input?: string): Promise<RunResult> =>
    tryRun([FAIRWAY, 'lab', 'exec', '--name', name, host, '--', 'sh', '-c', line], input === undefined ? {} : { input })
  return {
    name,
    on,
    lab: (args) => tryRun([FAIRWAY, 'lab', args[0] ?? '', '--name', name, ...args.slice(1)]),
    client: async (line, input) => {
      const { exitCode, stdout, stderr } = await on('client', line, input)
      if (exitCode !== 0) throw new Error(`${line}\nexit code ${exitCode}\n${stdout}${stderr}`)
      return stdout
    },
    down: async () => {
      await run([FAIRWAY, 'lab', 'down', '--name', name])
    },
  }
}
