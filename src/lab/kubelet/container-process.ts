/** One run of one container: a process under bubblewrap, from its start to its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { readlink } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { ContainerStreams } from './container-streams.ts'
import type { LogFile } from './log-file.ts'
import { type Sandbox, STATUS_FD, sandboxCommand, sandboxEnvironment } from './sandbox.ts'

const EXEC_STEP_IN_MS = 1

export interface ContainerExit {
  /** 128 and the number of the signal when one ended it. */
  readonly exitCode: number
  readonly startedAtInMs: number
  readonly finishedAtInMs: number
}

export interface ContainerRun {
  readonly startedAtInMs: number
  /** The container's first process as this machine numbers it; resolves to 0 if it never came to be. */
  readonly pid: Promise<number>
  /** Resolves when the process is gone and its output is in the log. */
  readonly exited: Promise<ContainerExit>
  /** SIGTERM to the container's process, then SIGKILL after the grace; asked again, the earlier end counts. */
  stop(graceInMs: number): void
}

/**
 * Starts a container. Its log must have begun.
 * @throws {Error} when the system refuses the process
 */
export function startContainer(sandbox: Sandbox, streams: ContainerStreams, log: LogFile): ContainerRun {
  const [program = '', ...args] = sandboxCommand(sandbox)
  const child = spawn(program, args, { env: sandboxEnvironment(sandbox), stdio: [...streams.stdio, 'pipe'] })
  const startedAtInMs = Date.now()
  const pid = childPid(child).then(untilExecuted)
  const copied = streams.copy(child)
  const exited = waitForEnd(child, copied, log, startedAtInMs)
  let deadlineInMs = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  void exited.then(() => clearTimeout(timer))
  return {
    startedAtInMs,
    pid,
    exited,
    stop(graceInMs) {
      const endInMs = Date.now() + graceInMs
      if (endInMs >= deadlineInMs) return
      const first = deadlineInMs === Number.POSITIVE_INFINITY
      deadlineInMs = endInMs
      clearTimeout(timer)
      timer = setTimeout(() => void killAll(child, pid), graceInMs)
      if (first) void pid.then((number) => signalProcess(number, 'SIGTERM'))
    },
  }
}

/** Number 1 of a process namespace takes all others of it along; bubblewrap itself is killed in case it never got that far. */
async function killAll(child: ChildProcess, pid: Promise<number>): Promise<void> {
  signalProcess(await pid, 'SIGKILL')
  child.kill('SIGKILL')
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return
  try {
    process.kill(pid, signal)
  } catch {
    // it ended on its own
  }
}

function childPid(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    const status = child.stdio[STATUS_FD] as Readable | null
    let text = ''
    status?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /"child-pid":\s*(\d+)/.exec(text)
      if (found !== null) resolve(Number(found[1]))
    })
    status?.on('error', () => resolve(0))
    child.on('close', () => resolve(0))
    child.on('error', () => resolve(0))
  })
}

/**
 * Waits until bubblewrap and what follows it have become the program, which nothing announces: only from then on does the container end with its runner.
 * Gives the process id, or 0 when the process ended before.
 */
async function untilExecuted(pid: number): Promise<number> {
  if (pid === 0) return 0
  for (;;) {
    try {
      const program = await readlink(`/proc/${pid}/exe`)
      if (!/\/(bwrap|setpriv|setsid)$/.test(program)) return pid
    } catch {
      return 0
    }
    await wait(EXEC_STEP_IN_MS)
  }
}

async function waitForEnd(
  child: ChildProcess,
  copied: Promise<unknown>,
  log: LogFile,
  startedAtInMs: number,
): Promise<ContainerExit> {
  const exitCode = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(128))
    child.on('exit', (code) => resolve(code ?? 137))
  })
  await copied
  await log.end()
  return { exitCode, startedAtInMs, finishedAtInMs: Date.now() }
}

/** Why a command cannot be started, in a container runtime's words; '' if it can. A container sees the machine's own programs. */
export function cannotStart(command: readonly string[], path: string): string {
  const [program = ''] = command
  if (program === '') return 'no command specified'
  const places = program.includes('/') ? [program] : path.split(':').map((dir) => `${dir}/${program}`)
  if (places.some(executable)) return ''
  return program.includes('/')
    ? `exec: "${program}": stat ${program}: no such file or directory`
    : `exec: "${program}": executable file not found in $PATH`
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
