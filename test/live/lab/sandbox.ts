/**
 * A machine of a test's own: a network namespace that plays the machine's, and a mount namespace with an empty /run. What a lab
 * does to "the machine" is then all that happens there, whatever else runs on the real one.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type RunResult, tryRun } from '../../../src/linux/run.ts'

/** As bin/fairway sets it. */
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../../.cache/node', import.meta.url))

const STUB = fileURLToPath(new URL('stub-main.ts', import.meta.url))

export interface Sandbox {
  readonly pid: number
  /** Runs a command in the sandbox, whatever its exit code. */
  run(
    command: readonly string[],
    options?: { readonly input?: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<RunResult>
  /** Runs the command line of Fairway in it, with roles that only pretend. */
  fairway(...args: readonly string[]): Promise<RunResult>
  /** How `fairway` is run, for tests that need the process itself. */
  readonly fairwayCommand: readonly string[]
  /** What a shell prints. */
  sh(script: string): Promise<string>
  close(): Promise<void>
}

export async function openSandbox(): Promise<Sandbox> {
  const setUp = 'umount -n -l /run/netns 2>/dev/null; mount -n -t tmpfs tmpfs /run && ip link set lo up && echo ready && exec cat'
  const holder = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sh', '-c', setUp], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  const pid = holder.pid ?? 0
  const enter = ['nsenter', `--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, '--']
  const fairwayCommand = [...enter, process.execPath, '--disable-warning=ExperimentalWarning', STUB]
  const run: Sandbox['run'] = (command, options) => tryRun([...enter, ...command], options)
  return {
    pid,
    run,
    fairwayCommand,
    fairway: (...args) => tryRun([...fairwayCommand, ...args]),
    sh: async (script) => (await run(['sh', '-c', script])).stdout,
    close: async () => {
      for (const name of (await run(['ls', '/run/fairway'])).stdout.split('\n').filter(Boolean)) {
        await tryRun([...fairwayCommand, 'lab', 'down', '--name', name])
      }
      holder.stdin.end()
      await once(holder, 'exit')
    },
  }
}
