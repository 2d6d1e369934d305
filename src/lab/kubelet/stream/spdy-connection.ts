/** The server's end of a SPDY/3.1 connection: streams that the client opens, each a duplex with ends of its own. */
import { Duplex } from 'node:stream'
import { HeaderCodec } from './header-codec.ts'
import {
  controlFrame,
  DATA,
  dataFrame,
  type Frame,
  FrameReader,
  PING,
  parseHeaders,
  RST_STREAM,
  SYN_REPLY,
  SYN_STREAM,
} from './spdy-frame.ts'

/** What one stream may hold that nobody has read yet; then the whole connection waits, as clients of Kubernetes know no windows. */
const HELD_IN_BYTES = 1 << 20
const CHUNK_IN_BYTES = 1 << 16
const NO_HEADERS = Buffer.alloc(4)
const CANCEL = 5

type Send = (bytes: Buffer, done: (error?: Error | null) => void) => void

/** A stream that the client opened. Its end of writing is a half-close, its destruction a reset. */
export class SpdyStream extends Duplex {
  readonly headers: ReadonlyMap<string, string>
  readonly #id: number
  readonly #send: Send
  #drained = Promise.withResolvers<void>()

  constructor(frame: { readonly id: number; readonly headers: ReadonlyMap<string, string> }, send: Send) {
    super({ readableHighWaterMark: HELD_IN_BYTES })
    this.#id = frame.id
    this.headers = frame.headers
    this.#send = send
  }

  /** Bytes of the client; resolves when there is room for more. */
  async accept(data: Buffer, fin: boolean): Promise<void> {
    if (this.destroyed || this.readableEnded) return
    const room = data.length === 0 || this.push(data)
    if (fin) this.push(null)
    if (room || fin) return
    this.#drained = Promise.withResolvers<void>()
    await this.#drained.promise
  }

  override _read(): void {
    this.#drained.resolve()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const frames: Buffer[] = []
    for (let at = 0; at < chunk.length; at += CHUNK_IN_BYTES)
      frames.push(dataFrame(this.#id, chunk.subarray(at, at + CHUNK_IN_BYTES), false))
    this.#send(Buffer.concat(frames), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send(dataFrame(this.#id, Buffer.alloc(0), true), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#drained.resolve()
    const whole = this.readableEnded && this.writableFinished
    if (!whole) this.#send(controlFrame(RST_STREAM, this.#id, number(CANCEL)), () => undefined)
    done(error)
  }
}

/**
 * Serves the connection until it ends; `onStream` hears of each new stream. Resolves when the connection is over and all its
 * streams are. Never rejects: what is no SPDY ends the connection.
 */
export async function serveSpdy(transport: Duplex, onStream: (stream: SpdyStream) => void): Promise<void> {
  const codec = new HeaderCodec()
  const reader = new FrameReader()
  const streams = new Map<number, SpdyStream>()
  const send: Send = (bytes, done) => {
    if (transport.destroyed || transport.writableEnded) done(new Error('the connection is closed'))
    else transport.write(bytes, done)
  }
  const open = async ({ streamId: id, payload, fin }: Frame): Promise<void> => {
    // 4 bytes name a parent, 2 the priority
    const headers = parseHeaders(await codec.decode(payload.subarray(6)))
    send(controlFrame(SYN_REPLY, id, await codec.encode(NO_HEADERS)), () => undefined)
    const stream = new SpdyStream({ id, headers }, send)
    streams.set(id, stream)
    stream.on('error', () => undefined)
    stream.on('close', () => streams.delete(id))
    if (fin) await stream.accept(Buffer.alloc(0), true)
    onStream(stream)
  }
  const serve = async (frame: Frame): Promise<void> => {
    if (frame.type === DATA) await streams.get(frame.streamId)?.accept(frame.payload, frame.fin)
    else if (frame.type === SYN_STREAM) await open(frame)
    else if (frame.type === RST_STREAM) streams.get(frame.streamId)?.destroy()
    else if (frame.type === PING) send(controlFrame(PING, frame.streamId, Buffer.alloc(0)), () => undefined)
  }
  transport.on('error', () => undefined)
  try {
    for await (const chunk of transport) for (const frame of reader.push(chunk as Buffer)) await serve(frame)
  } catch {
    // the connection broke, or carried something else
  } finally {
    for (const stream of streams.values()) stream.destroy()
    codec.close()
    transport.destroy()
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
