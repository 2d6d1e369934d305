/** Runs a command inside a running container for a user: `kubectl exec`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { openPty } from '../../../linux/pty.ts'
import { cannotStart } from '../container-process.ts'
import { execCommand, type RunningPlace } from '../sandbox.ts'
import type { ExecStreams, ExecWish } from './exec-streams.ts'

/** The running container that is entered. */
export interface ExecTarget extends RunningPlace {
  readonly env: Readonly<Record<string, string>>
}

interface ExecProcess {
  readonly child: ChildProcess
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  resize(width: number, height: number): void
}

/** Runs it to its end, or until the client leaves: then it is killed. Never rejects. */
export async function runExec(target: ExecTarget, wish: ExecWish, streams: ExecStreams): Promise<void> {
  const problem = cannotStart(wish.command, target.env.PATH ?? '')
  if (problem !== '') return streams.finish(cannotExec(problem))
  const process = wish.tty ? startInTerminal(target, wish) : startPlain(target, wish)
  const { child, stdin, stdout, stderr } = process
  const exited = new Promise<number>((resolve) => {
    child.on('error', () => resolve(126))
    child.on('exit', (code) => resolve(code ?? 137))
  })
  streams.closed.addEventListener('abort', () => child.kill('SIGKILL'), { once: true })
  if (streams.closed.aborted) child.kill('SIGKILL')
  streams.onResize(({ width, height }) => process.resize(width, height))
  stdin?.on('error', () => undefined) // it ended, or closed its input
  if (stdin !== null) {
    if (streams.stdin !== undefined) streams.stdin.pipe(stdin, { end: !wish.tty })
    else if (!wish.tty) stdin.end()
  }
  const copied = Promise.all([copy(stdout, streams.stdout), copy(stderr, streams.stderr)])
  const exitCode = await exited
  await copied
  stdin?.destroy()
  streams.finish(execStatus(exitCode))
}

function startPlain(target: ExecTarget, wish: ExecWish): ExecProcess {
  const [program = '', ...args] = execCommand(target, wish.command)
  const child = spawn(program, args, { env: target.env, stdio: [wish.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] })
  return { child, stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, resize: () => undefined }
}

function startInTerminal(target: ExecTarget, wish: ExecWish): ExecProcess {
  const pty = openPty()
  try {
    const command = ['setsid', '--ctty', '--wait', ...execCommand(target, wish.command)]
    const [program = '', ...args] = command
    const stdio = [pty.slaveFd, pty.slaveFd, pty.slaveFd]
    const child = spawn(program, args, { env: { TERM: 'xterm', ...target.env }, stdio })
    return { child, stdin: pty.master, stdout: pty.master, stderr: null, resize: pty.resize }
  } finally {
    closeSync(pty.slaveFd)
  }
}

/** All of it, at the pace of the reader; a reader that is gone does not hold the command up. */
async function copy(from: Readable | null, to: Writable | undefined): Promise<void> {
  if (from === null) return
  try {
    for await (const chunk of from) {
      if (to === undefined || to.destroyed) continue
      await new Promise<void>((resolve) => to.write(chunk, () => resolve()))
    }
  } catch {
    // a terminal whose last process ended gives EIO
  }
}

/** How a command ended, in the words of a kubelet. Source: kubelet pkg/kubelet/cri/streaming/remotecommand/exec.go. */
export function execStatus(exitCode: number): object {
  if (exitCode === 0) return { metadata: {}, status: 'Success' }
  const causes = [{ reason: 'ExitCode', message: String(exitCode) }]
  const message = `command terminated with non-zero exit code: exit status ${exitCode}`
  return { metadata: {}, status: 'Failure', message, reason: 'NonZeroExitCode', details: { causes } }
}

function cannotExec(problem: string): object {
  const message = `Internal error occurred: error executing command in container: failed to exec in container: OCI runtime exec failed: ${problem}`
  return { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500, details: { causes: [{ message }] } }
}
