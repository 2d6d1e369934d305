/**
 * Hears who changes nftables. The kernel says after each transaction by which netlink socket it came (the port in
 * NFT_MSG_NEWGEN's header), so that one's own changes can be told from others', in any process namespace. A worker thread waits in `recv`: netlink sockets do not fit net.Socket.
 *
 * Source: linux net/netfilter/nf_tables_api.c, nf_tables_gen_notify.
 */
import { Worker } from 'node:worker_threads'
import { programUrl } from './program.ts'

/** One transaction on this namespace's nftables; `portId` is the sender's socket. `tables` are the names of the tables that it touched, with their family. */
export interface NftTransaction {
  readonly portId: number
  readonly tables: readonly string[]
  /** Messages were lost, so that anything may have changed. */
  readonly lost: boolean
}

export interface NftListener {
  close(): Promise<void>
}

/** Listens in `netns` (a namespace file; the process's own by default). Resolves once nothing later can be missed. @throws {Error} */
export async function listenToNftables(
  onTransaction: (transaction: NftTransaction) => void,
  netns?: string,
): Promise<NftListener> {
  const worker = new Worker(programUrl('./netlink-nftables-worker.ts', import.meta.url), { workerData: { netns } })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  worker.on('message', onTransaction)
  worker.on('error', () => onTransaction({ portId: 0, tables: [], lost: true }))
  worker.unref()
  return {
    async close() {
      await worker.terminate()
    },
  }
}
