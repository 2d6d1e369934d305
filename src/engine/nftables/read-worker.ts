/** The thread of reader.ts: takes large listings apart, and hands over what they hold, a piece each time it is asked for one. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Listings } from './listing.ts'
import { partsOf } from './mirror.ts'
import { type Posted, readListings } from './reader.ts'

const post = (posted: Posted): void => parentPort?.postMessage(posted)
const asked = (): Promise<void> => new Promise((resolve) => parentPort?.once('message', () => resolve()))

const { mirror, fresh } = readListings(workerData as Listings)
for (const part of partsOf(mirror)) {
  post({ part })
  await asked()
}
post({ fresh })
parentPort?.close()
