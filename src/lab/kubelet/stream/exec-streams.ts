/** The streams of one exec, as a command sees them, whatever carries them. */
import { PassThrough, type Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { type SpdyStream, serveSpdy } from './spdy-connection.ts'

/** The streams that the client asked for. */
export interface ExecWish {
  readonly command: readonly string[]
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

export interface TerminalSize {
  readonly width: number
  readonly height: number
}

export interface ExecStreams {
  readonly stdin: Readable | undefined
  readonly stdout: Writable | undefined
  readonly stderr: Writable | undefined
  /** The client is gone. */
  readonly closed: AbortSignal
  onResize(listener: (size: TerminalSize) => void): void
  /** Says how it ended (a Status as JSON), and closes. Output must have ended before. */
  finish(status: object): void
}

const STDIN = 0
const STDOUT = 1
const STDERR = 2
const ERROR = 3
const RESIZE = 4
/** Version 5 alone: the byte that follows names the channel that the client closes. */
const CLOSE = 255

/** Over a WebSocket whose messages begin with a channel. Source: apimachinery pkg/util/remotecommand/constants.go. */
export function webSocketStreams(socket: WebSocket, wish: ExecWish): ExecStreams {
  const stdin = wish.stdin ? new PassThrough() : undefined
  const resized = new Resizes()
  const closed = new AbortController()
  socket.on('message', (data) => {
    const message = data as Buffer
    const [channel, ...rest] = message.subarray(0, 2)
    if (channel === STDIN && stdin !== undefined && !stdin.writableEnded) {
      if (!stdin.write(message.subarray(1))) pauseUntilDrained(socket, stdin)
    } else if (channel === RESIZE) resized.push(message.subarray(1))
    else if (channel === CLOSE && rest[0] === STDIN) stdin?.end()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    stdin?.end()
    closed.abort()
  })
  const output = (channel: number, wanted: boolean): Writable | undefined => {
    if (!wanted) return undefined
    const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => sendOn(socket, channel, chunk, done) })
    stream.on('error', () => undefined) // the client left amid the output: its writer sees it in `closed`
    return stream
  }
  return {
    stdin,
    stdout: output(STDOUT, wish.stdout),
    stderr: output(STDERR, wish.stderr && !wish.tty),
    closed: closed.signal,
    onResize: (listener) => resized.listen(listener),
    finish: (status) =>
      sendOn(socket, ERROR, Buffer.from(JSON.stringify(status)), () => {
        socket.resume()
        socket.close(1000)
      }),
  }
}

function pauseUntilDrained(socket: WebSocket, stdin: Writable): void {
  socket.pause()
  const resume = (): void => {
    stdin.off('drain', resume)
    stdin.off('close', resume)
    socket.resume()
  }
  stdin.once('drain', resume)
  stdin.once('close', resume)
}

function sendOn(socket: WebSocket, channel: number, data: Buffer, done: (error?: Error | null) => void): void {
  socket.send(Buffer.concat([Buffer.from([channel]), data]), { binary: true }, (error) => done(error ?? null))
}

/** Over SPDY, a stream for each; resolves when the client has opened all that it asked for. */
export function spdyStreams(transport: Parameters<typeof serveSpdy>[0], wish: ExecWish): Promise<ExecStreams> {
  const needed = ['error', ...(wish.stdin ? ['stdin'] : []), ...(wish.stdout ? ['stdout'] : [])]
  if (wish.tty) needed.push('resize')
  else if (wish.stderr) needed.push('stderr')
  const opened = new Map<string, SpdyStream>()
  const closed = new AbortController()
  const resized = new Resizes()
  return new Promise((resolve, reject) => {
    void serveSpdy(transport, (stream) => {
      opened.set(stream.headers.get('streamtype') ?? '', stream)
      if (!needed.every((type) => opened.has(type))) return
      opened.get('resize')?.on('data', (bytes: Buffer) => resized.push(bytes))
      resolve({
        stdin: opened.get('stdin'),
        stdout: opened.get('stdout'),
        stderr: opened.get('stderr'),
        closed: closed.signal,
        onResize: (listener) => resized.listen(listener),
        finish: (status) => {
          for (const [type, each] of opened) if (type !== 'error') each.end()
          opened.get('error')?.end(JSON.stringify(status))
        },
      })
    }).then(() => {
      closed.abort()
      reject(new Error('the client left before its streams were open'))
    })
  })
}

/** Sizes that come before anyone listens are kept: the first comes at once. */
class Resizes {
  #listener: ((size: TerminalSize) => void) | undefined
  #last: TerminalSize | undefined

  push(bytes: Buffer): void {
    const found = /"Width":\s*(\d+),\s*"Height":\s*(\d+)/.exec(bytes.toString())
    if (found === null) return
    this.#last = { width: Number(found[1]), height: Number(found[2]) }
    this.#listener?.(this.#last)
  }

  listen(listener: (size: TerminalSize) => void): void {
    this.#listener = listener
    if (this.#last !== undefined) listener(this.#last)
  }
}
