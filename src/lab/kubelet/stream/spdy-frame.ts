/** Frames of SPDY/3.1, as bytes and as values: what exec and port-forward use of them. Source: SPDY protocol draft 3.1, section 2. */

export interface Frame {
  /** 0 is data; the numbers of control frames are below. */
  readonly type: number
  readonly streamId: number
  readonly fin: boolean
  /** Data, or what follows the stream id of a control frame. */
  readonly payload: Buffer
}

export const DATA = 0
export const SYN_STREAM = 1
export const SYN_REPLY = 2
export const RST_STREAM = 3
export const PING = 6

const HEAD = 8
const VERSION = 3
const FIN = 1
const STREAM_ID = 0x7fffffff
/** No peer sends larger ones; more would be a connection of something else. */
const LARGEST = 1 << 20

/** Cuts a connection's bytes into frames, however they come. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /** @throws {Error} when the bytes are no frames of SPDY/3.1 */
  push(bytes: Buffer): readonly Frame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const frames: Frame[] = []
    while (this.#rest.length >= HEAD) {
      const length = this.#rest.readUIntBE(5, 3)
      if (length > LARGEST) throw new Error(`a SPDY frame of ${length} bytes`)
      if (this.#rest.length < HEAD + length) break
      frames.push(parseFrame(this.#rest.subarray(0, HEAD + length)))
      this.#rest = this.#rest.subarray(HEAD + length)
    }
    return frames
  }
}

function parseFrame(bytes: Buffer): Frame {
  const first = bytes.readUInt32BE(0)
  const fin = ((bytes[4] ?? 0) & FIN) !== 0
  if (first <= STREAM_ID) return { type: DATA, streamId: first, fin, payload: bytes.subarray(HEAD) }
  const version = (first >>> 16) & 0x7fff
  if (version !== VERSION) throw new Error(`SPDY version ${version}`)
  const streamId = bytes.length < HEAD + 4 ? 0 : bytes.readUInt32BE(HEAD) & STREAM_ID
  return { type: first & 0xffff, streamId, fin, payload: bytes.subarray(HEAD + 4) }
}

export function dataFrame(streamId: number, data: Buffer, fin: boolean): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeUInt32BE(streamId, 0)
  head[4] = fin ? FIN : 0
  head.writeUIntBE(data.length, 5, 3)
  return Buffer.concat([head, data])
}

/** `payload` is what follows the stream id (of PING: the number that stands in its place). */
export function controlFrame(type: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD + 4)
  head.writeUInt16BE(0x8000 | VERSION, 0)
  head.writeUInt16BE(type, 2)
  head.writeUIntBE(4 + payload.length, 5, 3)
  head.writeUInt32BE(streamId, HEAD)
  return Buffer.concat([head, payload])
}

/** Name and value pairs as a block holds them once it is inflated; names in lower case. @throws {RangeError} when it is cut short */
export function parseHeaders(block: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  let at = 4
  const text = (): string => {
    const length = block.readUInt32BE(at)
    at += 4 + length
    return block.subarray(at - length, at).toString()
  }
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = text()
    headers.set(name, text())
  }
  return headers
}
