import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { createDeflate } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type SpdyStream, serveSpdy } from './spdy-connection.ts'
import { SPDY_DICTIONARY } from './spdy-dictionary.ts'
import { controlFrame, DATA, dataFrame, type Frame, FrameReader, PING, RST_STREAM, SYN_REPLY, SYN_STREAM } from './spdy-frame.ts'

/** A transport in memory: what the server wrote, as frames; `send` is the client. */
class Client {
  readonly frames: Frame[] = []
  readonly transport: Duplex
  readonly #reader = new FrameReader()
  readonly #deflate = createDeflate({ dictionary: SPDY_DICTIONARY })
  #heard = Promise.withResolvers<void>()

  constructor() {
    this.transport = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        this.frames.push(...this.#reader.push(chunk))
        this.#heard.resolve()
        this.#heard = Promise.withResolvers()
        done()
      },
    })
  }

  send(bytes: Buffer): void {
    this.transport.push(bytes)
  }

  async open(id: number, headers: Readonly<Record<string, string>>): Promise<void> {
    const entries = Object.entries(headers)
    const text = (value: string) => Buffer.concat([number(value.length), Buffer.from(value)])
    this.#deflate.write(Buffer.concat([number(entries.length), ...entries.flat().map(text)]))
    const flushed = new Promise<void>((resolve) => this.#deflate.flush(resolve))
    await flushed
    this.send(controlFrame(SYN_STREAM, id, Buffer.concat([Buffer.alloc(6), this.#deflate.read() as Buffer])))
  }

  async until(matches: (frames: readonly Frame[]) => boolean): Promise<void> {
    while (!matches(this.frames)) await this.#heard.promise
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const ended = (id: number) => (frames: readonly Frame[]) => frames.some(({ streamId, fin }) => streamId === id && fin)

describe('SPDY', () => {
  it('has the dictionary of the protocol', () => expect(SPDY_DICTIONARY.length).toBe(1423))

  it('finds frames however the bytes are cut', () => {
    const bytes = Buffer.concat([
      dataFrame(1, Buffer.from('ab'), false),
      controlFrame(PING, 7, Buffer.alloc(0)),
      dataFrame(3, Buffer.alloc(0), true),
    ])
    const reader = new FrameReader()
    const frames = [...bytes].flatMap((byte) => reader.push(Buffer.from([byte])))
    expect(frames.map(({ type, streamId, fin, payload }) => [type, streamId, fin, payload.toString()])).toEqual([
      [DATA, 1, false, 'ab'],
      [PING, 7, false, ''],
      [DATA, 3, true, ''],
    ])
    expect(() => reader.push(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toThrow('a SPDY frame of')
  })

  it('carries streams beside each other, whole, and half-closes them', async () => {
    const client = new Client()
    const opened: SpdyStream[] = []
    const over = serveSpdy(client.transport, (stream) => {
      opened.push(stream)
      stream.pipe(stream)
    })
    await client.open(1, { streamtype: 'data', port: '80' })
    await client.open(3, { streamtype: 'error' })
    const bytes = randomBytes(3_000_000)
    for (let at = 0; at < bytes.length; at += 30_000) client.send(dataFrame(1, bytes.subarray(at, at + 30_000), false))
    client.send(dataFrame(3, Buffer.from('small'), true))
    client.send(dataFrame(1, Buffer.alloc(0), true))
    client.send(controlFrame(PING, 9, Buffer.alloc(0)))
    await client.until((frames) => ended(1)(frames) && ended(3)(frames) && frames.some(({ type }) => type === PING))
    const back = (id: number) =>
      Buffer.concat(client.frames.filter(({ type, streamId }) => type === DATA && streamId === id).map(({ payload }) => payload))
    expect(back(1).equals(bytes)).toBe(true)
    expect(back(3).toString()).toBe('small')
    expect(opened.map(({ headers }) => headers.get('streamtype'))).toEqual(['data', 'error'])
    expect(client.frames.filter(({ type }) => type === SYN_REPLY).map(({ streamId }) => streamId)).toEqual([1, 3])
    client.transport.push(null)
    await over
  })

  it('resets a stream that is destroyed, and hears of resets', async () => {
    const client = new Client()
    const opened: SpdyStream[] = []
    void serveSpdy(client.transport, (stream) => opened.push(stream))
    await client.open(1, {})
    await client.open(3, {})
    await client.until((frames) => frames.length === 2)
    opened[0]?.destroy()
    await client.until((frames) => frames.some(({ type, streamId }) => type === RST_STREAM && streamId === 1))
    const closed = once(opened[1] as SpdyStream, 'close')
    client.send(controlFrame(RST_STREAM, 3, number(5)))
    await closed
  })

  it('ends a connection that speaks something else', async () => {
    const client = new Client()
    client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await serveSpdy(client.transport, () => undefined)
    expect(client.transport.destroyed).toBe(true)
  })
})
