/** The standard streams of one run of a container: into its log, and to and from whoever is attached (`kubectl attach`). */
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { closeSync, fchownSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { makePipe } from '../../linux/pipe.ts'
import { openPty, type Pty } from '../../linux/pty.ts'
import type { LogFile } from './log-file.ts'
import type { ExecStreams } from './stream/exec-streams.ts'

/** What a container wants of its streams. */
export interface StreamsWish {
  readonly stdin?: boolean
  /** Standard input ends with the first client that gave some. */
  readonly stdinOnce?: boolean
  readonly tty?: boolean
  /** Whose the streams are: a program that opens /dev/stdout must be let. */
  readonly uid: number
}

/** Of what a container says before anybody is attached, so many bytes are kept for the first client. */
const MOST_EARLY_BYTES = 65_536

export class ContainerStreams {
  readonly #wish: StreamsWish
  readonly #log: LogFile
  readonly #pty: Pty | undefined
  readonly #sources: readonly (readonly [Readable, 'stdout' | 'stderr'])[]
  readonly #given: readonly number[]
  readonly #ended = Promise.withResolvers<void>()
  #stdin: Writable | undefined
  #early: EarlyWords | undefined

  /** The log must have begun. @throws {Error} when no descriptor or terminal is free */
  constructor(wish: StreamsWish, log: LogFile) {
    this.#wish = wish
    this.#log = log
    if (wish.tty === true) {
      this.#pty = openPty()
      this.#sources = [[this.#pty.master, 'stdout']]
      this.#given = [this.#pty.slaveFd]
    } else {
      const [out, err] = [makePipe(), makePipe()]
      this.#sources = [
        [out.reader, 'stdout'],
        [err.reader, 'stderr'],
      ]
      this.#given = [out.writeFd, err.writeFd]
    }
    for (const fd of this.#given) fchownSync(fd, wish.uid, -1)
  }

  /** For the process: its input, output and errors. */
  get stdio(): Extract<StdioOptions, readonly unknown[]> {
    const [first, second = first] = this.#given
    if (this.#pty !== undefined) return [first, first, first]
    return [this.#wish.stdin === true ? 'pipe' : 'ignore', first, second]
  }

  /** The process has its streams: copies what it says; resolves when it can say no more. */
  async copy(child: ChildProcess): Promise<void> {
    for (const fd of this.#given) closeSync(fd)
    this.#stdin = this.#wish.stdin === true ? (this.#pty?.master ?? child.stdin ?? undefined) : undefined
    this.#stdin?.on('error', () => undefined) // it ended, or closed its input
    if (this.#wish.stdin === true) this.#early = new EarlyWords(this.#log)
    await Promise.all(this.#sources.map(([source, stream]) => this.#log.copy(source, stream)))
    this.#early?.leave()
    this.#pty?.master.destroy()
    this.#ended.resolve()
  }

  /**
   * Shows a client what the container says from now on and gives it what the client says, until either ends. A container that takes
   * input was likely made to be talked with (`kubectl run -i`): its first client also hears what it said before. Never rejects.
   */
  async attach(client: ExecStreams): Promise<void> {
    const outputs = { stdout: client.stdout, stderr: client.stderr }
    const early = this.#early?.chunks ?? []
    this.#early?.leave()
    this.#early = undefined
    const caughtUp = Promise.all(early.map(([stream, chunk]) => written(outputs[stream], chunk, client.closed)))
    const detach = this.#log.tap((stream, chunk) => written(outputs[stream], chunk, client.closed))
    client.onResize(({ width, height }) => this.#pty?.resize(width, height))
    const stdin = this.#stdin
    if (client.stdin !== undefined && stdin !== undefined) {
      client.stdin.pipe(stdin, { end: this.#wish.stdinOnce === true && this.#pty === undefined })
    }
    const left = new Promise<void>((resolve) => {
      client.closed.addEventListener('abort', () => resolve(), { once: true })
      if (client.closed.aborted) resolve()
    })
    await Promise.race([this.#ended.promise, left])
    if (stdin !== undefined) client.stdin?.unpipe(stdin)
    detach()
    await caughtUp
    client.finish({ metadata: {}, status: 'Success' })
  }
}

/** Keeps what is said until it leaves the log. */
class EarlyWords {
  readonly chunks: (readonly ['stdout' | 'stderr', Buffer])[] = []
  /** Keeps nothing from now on. */
  readonly leave: () => void
  #room = MOST_EARLY_BYTES

  constructor(log: LogFile) {
    this.leave = log.tap((stream, chunk) => {
      const kept = Buffer.from(chunk.subarray(0, this.#room))
      this.#room -= kept.length
      if (kept.length > 0) this.chunks.push([stream, kept])
      return Promise.resolve()
    })
  }
}

/** Writes at the client's pace; one that is gone holds nobody up. */
function written(to: Writable | undefined, chunk: Buffer, closed: AbortSignal): Promise<void> {
  if (to === undefined || to.destroyed || closed.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      closed.removeEventListener('abort', done)
      resolve()
    }
    closed.addEventListener('abort', done)
    to.write(chunk, done)
  })
}
