/** SPDY's header compression: one zlib stream in each direction for the life of a connection. */
import { constants, createDeflate, createInflate } from 'node:zlib'
import { SPDY_DICTIONARY } from './spdy-dictionary.ts'

/** Blocks go through in the order of the connection, one at a time. */
export class HeaderCodec {
  readonly #inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH })
  readonly #deflate = createDeflate({ dictionary: SPDY_DICTIONARY })

  /** @throws {Error} when the bytes are no block */
  decode(block: Buffer): Promise<Buffer> {
    return pass(this.#inflate, block, (done) => done())
  }

  encode(block: Buffer): Promise<Buffer> {
    return pass(this.#deflate, block, (done) => this.#deflate.flush(constants.Z_SYNC_FLUSH, done))
  }

  close(): void {
    this.#inflate.destroy()
    this.#deflate.destroy()
  }
}

function pass(stream: ReturnType<typeof createInflate>, block: Buffer, flush: (done: () => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const take = (chunk: Buffer): void => void chunks.push(chunk)
    const end = (): void => {
      stream.off('data', take)
      stream.off('error', reject)
    }
    stream.on('data', take)
    stream.once('error', reject)
    stream.write(block, (error) => {
      if (error) return reject(error)
      // what a write made is read in a later turn
      flush(() =>
        setImmediate(() => {
          end()
          resolve(Buffer.concat(chunks))
        }),
      )
    })
  })
}
