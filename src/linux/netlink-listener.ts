/**
 * Hears what the kernel tells of changes by netlink. A worker thread waits in `recv`: netlink sockets do not fit net.Socket, and
 * the thread hears also while the main loop is busy.
 *
 * Source: netlink(7); linux net/netfilter/nf_tables_api.c, nf_tables_gen_notify.
 */
import { Worker } from 'node:worker_threads'
import type { LinkChange } from './link-messages.ts'
import type { RouteMessage } from './netlink-messages.ts'
import { programUrl } from './program.ts'
import type { TableRoute } from './route-messages.ts'

/**
 * One transaction on this namespace's nftables. `portId` is the sender's netlink socket (the port in NFT_MSG_NEWGEN's header), so
 * that one's own changes can be told from others'; `tables` are the names of the tables that it touched, with their family.
 */
export interface NftTransaction {
  readonly portId: number
  readonly tables: readonly string[]
}

export interface NetlinkListener {
  close(): Promise<void>
}

export interface NetlinkOptions<T> {
  readonly onHeard: (heard: T) => void
  /** Messages were lost, so that anything may have changed. */
  readonly onLost: () => void
  /** A namespace file; the process's own by default. */
  readonly netns?: string
}

type Posted<T> = 'ready' | { readonly heard: T } | { readonly lost: true }

/** Hears every transaction on nftables. Resolves once nothing later can be missed. @throws {Error} */
export function listenToNftables(options: NetlinkOptions<NftTransaction>): Promise<NetlinkListener> {
  return listen('nftables', options)
}

/** Hears every IPv4 route that is made or changed. Resolves once nothing later can be missed. @throws {Error} */
export function listenToRoutes(options: NetlinkOptions<readonly RouteMessage[]>): Promise<NetlinkListener> {
  return listen('routes', options)
}

/** Hears every interface and every address that comes, changes or goes. Resolves once nothing later can be missed. @throws {Error} */
export function listenToLinks(options: NetlinkOptions<readonly LinkChange[]>): Promise<NetlinkListener> {
  return listen('links', options)
}

/** Hears every route of one table, of both families, that comes, changes or goes. Resolves once nothing later can be missed. @throws {Error} */
export function listenToTable(table: number, options: NetlinkOptions<readonly TableRoute[]>): Promise<NetlinkListener> {
  return listen('table', options, table)
}

async function listen<T>(
  subject: 'nftables' | 'routes' | 'links' | 'table',
  options: NetlinkOptions<T>,
  table = 0,
): Promise<NetlinkListener> {
  const { netns, onHeard, onLost } = options
  const worker = new Worker(programUrl('./netlink-worker.ts', import.meta.url), { workerData: { netns, subject, table } })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  worker.removeAllListeners('error') // from here on an error of the thread ends the process: it must not go on deaf
  worker.on('message', (posted: Posted<T>) => {
    if (posted === 'ready') return
    if ('lost' in posted) onLost()
    else onHeard(posted.heard)
  })
  worker.unref()
  return {
    async close() {
      await worker.terminate()
    },
  }
}
