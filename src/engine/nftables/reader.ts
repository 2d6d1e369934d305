/**
 * Reads the tables in the kernel without holding up the main thread, where a listing of 100,000 elements would take half a
 * second to take apart: a child lists, a worker takes a large listing apart, and its pieces come one in each turn of the event loop.
 */
import { Worker } from 'node:worker_threads'
import { programUrl } from '../../linux/program.ts'
import { runForBytes } from '../../linux/run.ts'
import { DATAPATH_READ_FAILED } from '../../model/codes/datapath.ts'
import { EngineError } from '../../model/engine.ts'
import type { Family } from '../../model/world.ts'
import type { NftObject } from './json.ts'
import { Mirror, type MirrorPart } from './mirror.ts'
import { observeTables, type Reading } from './observe.ts'
import { TABLE, WORDS } from './words.ts'

/** What `nft -j` printed of each table, in pieces; none when the table is not there. */
export type Listings = Readonly<Record<Family, readonly Uint8Array[]>>
export type Posted = { readonly part: MirrorPart } | { readonly fresh: readonly Family[] }

/** A listing of this size takes some milliseconds; a worker takes fifty to start. */
const WORKER_FROM_BYTES = 500_000

/** `enter` is the command that goes into a namespace, empty for the process's own. @throws {EngineError} */
export async function readTables(enter: readonly string[], signal: AbortSignal): Promise<Reading> {
  const list = async (family: Family): Promise<readonly Buffer[]> => {
    const command = ['nft', '-j', 'list', 'table', WORDS[family].nft, TABLE]
    const { exitCode, stdout, stderr } = await runForBytes([...enter, ...command], { signal })
    if (exitCode === 0) return stdout
    if (stderr.includes('No such file or directory')) return []
    throw new EngineError(DATAPATH_READ_FAILED, `\`${command.join(' ')}\` failed: ${stderr.trim()}`)
  }
  const [ipv4, ipv6] = await Promise.all([list('ipv4'), list('ipv6')])
  const bytes = [...ipv4, ...ipv6].reduce((sum, piece) => sum + piece.length, 0)
  return bytes < WORKER_FROM_BYTES ? readListings({ ipv4, ipv6 }) : readAside({ ipv4, ipv6 }, signal)
}

export function readListings({ ipv4, ipv6 }: Listings): Reading {
  return observeTables({ ipv4: parse(ipv4), ipv6: parse(ipv6) })
}

function parse(listing: readonly Uint8Array[]): readonly NftObject[] | undefined {
  if (listing.length === 0) return undefined
  return (JSON.parse(Buffer.concat(listing).toString()) as { nftables: readonly NftObject[] }).nftables
}

/** As readListings, in a worker. @throws {EngineError} */
export function readAside(listings: Listings, signal: AbortSignal): Promise<Reading> {
  const mirror = new Mirror()
  const transferList = [...new Set([...listings.ipv4, ...listings.ipv6].map(({ buffer }) => buffer as ArrayBuffer))]
  const worker = new Worker(programUrl('./read-worker.ts', import.meta.url), { workerData: listings, transferList })
  const abort = (): void => void worker.terminate()
  return new Promise<Reading>((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) => reject(new EngineError(DATAPATH_READ_FAILED, reason, { cause }))
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    worker.on('message', (posted: Posted) => {
      if ('fresh' in posted) return resolve({ mirror, fresh: posted.fresh })
      mirror.take(posted.part)
      setImmediate(() => worker.postMessage('next'))
    })
    worker.on('error', (cause: unknown) => fail(`The tables cannot be read: ${String(cause)}.`, cause))
    worker.on('exit', () => fail('Reading the tables was broken off.')) // nobody hears it when it came to an end
  }).finally(() => signal.removeEventListener('abort', abort))
}
