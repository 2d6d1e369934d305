/** Lines of a stream. */
import type { Readable } from 'node:stream'

const NEWLINE = 0x0a
/** Far above any object (etcd takes 1.5 MB), far below what hurts. */
const MAX_LINE_IN_BYTES = 16 * 1024 * 1024

/**
 * The lines of a stream, as many at a time as arrived together, without their newlines; a last line without one counts.
 *
 * Errors: those of the stream; RangeError for a line without end. Leaving the loop destroys the stream.
 */
export async function* lineBatches(body: Readable): AsyncGenerator<readonly string[]> {
  let rest: Buffer[] = []
  let restInBytes = 0
  for await (const chunk of body) {
    const bytes = chunk as Buffer
    const end = bytes.lastIndexOf(NEWLINE)
    if (end < 0) {
      rest.push(bytes)
      restInBytes += bytes.length
      if (restInBytes > MAX_LINE_IN_BYTES) throw new RangeError(`a line of more than ${MAX_LINE_IN_BYTES} bytes`)
      continue
    }
    const text = Buffer.concat([...rest, bytes.subarray(0, end)]).toString()
    rest = [bytes.subarray(end + 1)]
    restInBytes = bytes.length - end - 1
    yield text.split('\n').filter((line) => line.trim() !== '')
  }
  const last = Buffer.concat(rest).toString()
  if (last.trim() !== '') yield [last]
}
