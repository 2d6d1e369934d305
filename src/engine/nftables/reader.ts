/**
 * Reads the tables in the kernel without holding up the main thread, where a listing of 100,000 elements would take half a
 * second to take apart: a child lists, a worker takes a large listing apart, and its pieces come one in each turn of the event loop.
 */
import { Worker } from 'node:worker_threads'
import { countNftElements } from '../../linux/nft-sets.ts'
import { programUrl } from '../../linux/program.ts'
import { runForBytes } from '../../linux/run.ts'
import { DATAPATH_READ_FAILED } from '../../model/codes/datapath.ts'
import { EngineError } from '../../model/engine.ts'
import type { Family } from '../../model/world.ts'
import { type Asking, type Document, type Listings, listTable, objectsOf } from './listing.ts'
import { Mirror, type MirrorPart } from './mirror.ts'
import { observeTables, type Reading } from './observe.ts'
import { TABLE, WORDS } from './words.ts'
export type Posted = { readonly part: MirrorPart } | { readonly fresh: readonly Family[] }

/** A listing of this size takes some milliseconds; a worker takes fifty to start. */
const WORKER_FROM_BYTES = 500_000

/** `netns` is a namespace file, undefined for the process's own. @throws {EngineError} */
export async function readTables(netns: string | undefined, signal: AbortSignal): Promise<Reading> {
  const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--']
  const asking: Asking = {
    async nft(args) {
      const command = ['nft', '-j', ...args]
      const { exitCode, stdout, stderr } = await runForBytes([...enter, ...command], { signal })
      if (exitCode === 0) return stdout
      if (stderr.includes('No such file or directory')) return undefined
      throw new EngineError(DATAPATH_READ_FAILED, `\`${command.join(' ')}\` failed: ${stderr.trim()}`)
    },
    countClients: (family) => countNftElements({ family: WORDS[family].nft, table: TABLE, name: 'affinity' }, netns),
  }
  const [ipv4, ipv6] = await Promise.all([listTable(asking, 'ipv4'), listTable(asking, 'ipv6')])
  const bytes = piecesOf({ ipv4, ipv6 }).reduce((sum, piece) => sum + piece.length, 0)
  return bytes < WORKER_FROM_BYTES ? readListings({ ipv4, ipv6 }) : readAside({ ipv4, ipv6 }, signal)
}

export function readListings(listings: Listings): Reading {
  const objects = (family: Family) => {
    const { documents } = listings[family]
    return documents.length === 0 ? undefined : objectsOf(documents)
  }
  const unread = (['ipv4', 'ipv6'] as const).filter((family) => !listings[family].rules)
  return observeTables({ ipv4: objects('ipv4'), ipv6: objects('ipv6') }, unread)
}

function piecesOf({ ipv4, ipv6 }: Listings): Document {
  return [...ipv4.documents, ...ipv6.documents].flat()
}

/** As readListings, in a worker. @throws {EngineError} */
export function readAside(listings: Listings, signal: AbortSignal): Promise<Reading> {
  const mirror = new Mirror()
  const transferList = [...new Set(piecesOf(listings).map(({ buffer }) => buffer as ArrayBuffer))]
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
