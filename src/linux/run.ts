import { spawn } from 'node:child_process'
import { FairwayError } from '../model/code.ts'
import { MACHINE_COMMAND_FAILED } from '../model/codes/machine.ts'

export interface RunOptions {
  /** Bytes for standard input; nothing by default. */
  readonly input?: string
  readonly signal?: AbortSignal
  readonly env?: Readonly<Record<string, string>>
}

export interface RunResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end and returns what it said, whatever its exit code. @throws {FairwayError} when it cannot be started */
export async function tryRun(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await runForBytes(command, options)
  return { ...result, stdout: Buffer.concat(result.stdout).toString() }
}

/** As tryRun, for large outputs: standard output is left as the pieces that it came in. @throws {FairwayError} when it cannot be started */
export function runForBytes(
  command: readonly string[],
  options: RunOptions = {},
): Promise<Omit<RunResult, 'stdout'> & { readonly stdout: readonly Buffer[] }> {
  const [program = '', ...args] = command
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      signal: options.signal,
      env: { ...process.env, LC_ALL: 'C', ...options.env },
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => undefined) // a program that does not read its input is judged by its exit code
    child.on('error', (cause) => reject(commandFailed(command, cause.message, cause)))
    child.on('close', (exitCode) => resolve({ exitCode: exitCode ?? 1, stdout: out, stderr: Buffer.concat(err).toString() }))
    child.stdin.end(options.input ?? '')
  })
}

/** Runs a program and returns its standard output. @throws {FairwayError} MACHINE_COMMAND_FAILED with the command and its last words */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(command, options)
  if (result.exitCode !== 0) throw commandFailed(command, result.stderr.trim() || `exit code ${result.exitCode}`)
  return result.stdout
}

function commandFailed(command: readonly string[], reason: string, cause?: unknown): FairwayError {
  return new FairwayError(MACHINE_COMMAND_FAILED, `\`${command.join(' ')}\` failed: ${reason}`, { cause })
}
