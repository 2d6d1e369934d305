/** The log file of one container: written as it speaks, read and followed by `kubectl logs`. */
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { type Logger, logger } from '../../log/log.ts'
import { CriLineWriter, type LogQuery, logTime, renderLogLine, tailOf } from './cri-log.ts'

/** A log that grows past this is put aside as `.old`; what is older is lost. */
const MAX_SIZE = 50 * 1024 * 1024

/** Takes a piece of what a container says; the container waits until it has. Never rejects. */
export type Tap = (stream: 'stdout' | 'stderr', chunk: Buffer) => Promise<void>

/**
 * Writes in order, one write at a time; a stream waits while its bytes do. A disk that is full costs log lines, never the container.
 */
export class LogFile {
  readonly path: string
  readonly #log: Logger = logger('kubelet')
  #handle: FileHandle | undefined
  #size = 0
  #queue: Promise<void> = Promise.resolve()
  #failing = false
  #changed = Promise.withResolvers<void>()
  #ended = false
  readonly #taps = new Set<Tap>()

  constructor(path: string) {
    this.path = path
  }

  /** Resolves when more was written, or nothing more will be. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Begins a new run of the container: the run before stays readable as `PATH.previous`. */
  async begin(): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
    await rename(this.path, `${this.path}.previous`).catch(() => undefined)
    this.#handle = await open(this.path, 'a', 0o600)
    this.#size = 0
    this.#ended = false
  }

  /** Copies one stream of the container into the file; resolves at its end. */
  async copy(source: Readable, stream: 'stdout' | 'stderr'): Promise<void> {
    const lines = new CriLineWriter(stream)
    try {
      for await (const chunk of source) {
        const logged = this.#append(lines.push(chunk as Buffer, logTime(Date.now())))
        await Promise.all([logged, ...[...this.#taps].map((tap) => tap(stream, chunk as Buffer))])
      }
    } catch {
      // the pipe broke: what was read counts
    }
    await this.#append(lines.flush(logTime(Date.now())))
  }

  /** Hands on what comes from now on, as it comes, until the function that is given back is called. */
  tap(tap: Tap): () => void {
    this.#taps.add(tap)
    return () => void this.#taps.delete(tap)
  }

  /** The container ended and all it said is written. */
  async end(): Promise<void> {
    await this.#queue
    await this.#handle?.close()
    this.#handle = undefined
    this.#ended = true
    this.#wake()
  }

  #append(text: string): Promise<void> {
    if (text === '') return Promise.resolve()
    this.#queue = this.#queue.then(async () => {
      try {
        if (this.#size > MAX_SIZE) await this.#putAside()
        await this.#handle?.appendFile(text)
        this.#size += text.length
        this.#failing = false
      } catch (err) {
        if (!this.#failing) this.#log.error({ err, path: this.path }, 'a container log cannot be written; lines are lost')
        this.#failing = true
      }
      this.#wake()
    })
    return this.#queue
  }

  async #putAside(): Promise<void> {
    await this.#handle?.close()
    await rename(this.path, `${this.path}.old`)
    this.#handle = await open(this.path, 'a', 0o600)
    this.#size = 0
  }

  #wake(): void {
    const waiting = this.#changed
    this.#changed = Promise.withResolvers<void>()
    waiting.resolve()
  }
}

/**
 * What `kubectl logs` shows, piece by piece: the lines that the query asks for, then with `follow` what comes until the container ends
 * or `signal` is aborted.
 */
export async function* readLog(file: LogFile, query: LogQuery, signal: AbortSignal): AsyncGenerator<string> {
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY
  const cut = (text: string): string => {
    const bytes = Buffer.from(text)
    const piece = bytes.length <= left ? text : bytes.subarray(0, left).toString()
    left -= Math.min(left, bytes.length)
    return piece
  }
  const whole = await readFile(query.previous ? `${file.path}.previous` : file.path).catch(() => Buffer.alloc(0))
  let position = whole.lastIndexOf(10) + 1
  const lines = whole.subarray(0, position).toString().split('\n').slice(0, -1)
  const wanted = query.tailLines === undefined ? lines : tailOf(lines, query.tailLines)
  yield cut(wanted.map((line) => renderLogLine(line, query)).join(''))
  while (query.follow && !query.previous && left > 0 && !signal.aborted) {
    const { changed, ended } = file
    const { text, next } = await readFrom(file.path, position)
    position = next
    if (text !== '')
      yield cut(
        text
          .split('\n')
          .slice(0, -1)
          .map((line) => renderLogLine(line, query))
          .join(''),
      )
    else if (ended) return
    else await Promise.race([changed, aborted(signal)])
  }
}

/** Whole lines from a position on. A file that became shorter was put aside: it is read from its start. */
async function readFrom(path: string, position: number): Promise<{ text: string; next: number }> {
  const handle = await open(path, 'r').catch(() => undefined)
  if (handle === undefined) return { text: '', next: position }
  try {
    const { size } = await handle.stat()
    const from = size < position ? 0 : position
    const buffer = Buffer.alloc(Math.min(size - from, 1024 * 1024))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from)
    const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1
    return { text: buffer.subarray(0, end).toString(), next: from + end }
  } finally {
    await handle.close()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
