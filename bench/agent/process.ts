/** A process that is measured: its memory and processor time, from /proc. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { inNetns } from '../../src/linux/netns.ts'

/** Clock ticks a second of /proc/PID/stat: USER_HZ, 100 on every Linux. */
const TICKS = 100

export class Measured implements AsyncDisposable {
  private readonly child: ChildProcess

  /** Starts a program of Node in a namespace. What it writes on descriptor 3 resolves `ready`. */
  constructor(namespace: string, args: readonly string[]) {
    const [program = '', ...rest] = inNetns(namespace, [process.execPath, ...args])
    this.child = spawn(program, rest, {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      env: { ...process.env, FAIRWAY_LOG: 'error' },
    })
  }

  async ready(): Promise<void> {
    await once(this.child.stdio[3] as NodeJS.ReadableStream, 'data')
  }

  /** Resident bytes now, and the highest so far. */
  get memory(): { readonly now: number; readonly highest: number } {
    const status = this.read('status')
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024
    return { now: field('VmRSS'), highest: field('VmHWM') }
  }

  /** Seconds of processor time so far, of all threads and of children that ended. */
  get processorInS(): number {
    const fields = this.read('stat')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
  }

  private read(name: string): string {
    return readFileSync(`/proc/${this.child.pid}/${name}`, 'utf8')
  }
}
