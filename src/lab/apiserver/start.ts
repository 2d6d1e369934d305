/** The whole server, as the role and the tests start it. */
import { join } from 'node:path'
import { logger } from '../../log/log.ts'
import { keepAddressObjects } from './address-objects.ts'
import { ServiceAddresses } from './allocators/service-addresses.ts'
import { type BootstrapOptions, bootstrap, keepBasics } from './bootstrap.ts'
import { keepBudgets } from './budget-status.ts'
import { Definitions } from './custom/definitions.ts'
import { Database } from './database.ts'
import { GarbageCollector } from './garbage-collector.ts'
import type { KindRecord } from './kind.ts'
import { makeKinds } from './kinds/index.ts'
import { TokenSigner } from './kinds/token-signer.ts'
import type { View } from './kinds/view.ts'
import type { KubeletClient } from './kubelet-address.ts'
import { closeServer, type ListenAddress, listen, type ServerTls } from './listener.ts'
import { guardNamespaces } from './namespace-lifecycle.ts'
import { Registry } from './registry.ts'
import { keepForATime } from './retention.ts'
import { Handler } from './server.ts'
import { keepServiceCidrs } from './service-cidrs.ts'
import { Store } from './store.ts'
import { resourceOf } from './stored.ts'
import { keepTokenSecrets } from './token-secrets.ts'
import { tokenUsers } from './token-user.ts'
import { type Clock, Writer } from './writer.ts'

export interface ServerOptions extends BootstrapOptions {
  /** Folder of the store. */
  readonly dir: string
  readonly listen: readonly ListenAddress[]
  /** Absent: plain HTTP, where everyone may do everything; for tests. */
  readonly tls?: ServerTls
  readonly kubelet?: KubeletClient
  /** For tests: other kinds than those of the lab. */
  readonly kinds?: readonly KindRecord[]
  readonly now?: Clock
}

export interface RunningServer {
  /** Where it listens, in the order asked for. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[]
  readonly store: Store
  /** Ends connections and watches, and closes the store. */
  stop(): Promise<void>
}

const NODE_PORT_RANGE: [number, number] = [30_000, 32_767]

/** Opens the store, listens, and makes what every cluster has. @throws {FairwayError} APISERVER_* */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const log = logger('apiserver')
  const store = new Store(new Database(join(options.dir, 'store.sqlite')))
  const end = new AbortController()
  const servers: Awaited<ReturnType<typeof listen>>[] = []
  let release = (): void => undefined
  const stop = async (): Promise<void> => {
    end.abort()
    release()
    await Promise.all(servers.map(({ server }) => closeServer(server)))
    store.close()
  }
  try {
    const { serviceRanges } = options
    const view: View = (resource, namespace) => store.list(resource, namespace).map((stored) => stored.object)
    const tokens = new TokenSigner(options.tls?.key)
    const addresses = new ServiceAddresses(serviceRanges)
    const kinds = options.kinds ?? makeKinds({ serviceRanges, nodePortRange: NODE_PORT_RANGE, addresses, view, tokens })
    const registry = new Registry(kinds)
    for (const record of kinds) for (const { object } of store.list(resourceOf(record))) record.allocation?.restore(object)
    const writer = new Writer(store, options.now)
    const definitions = new Definitions(writer, registry, log)
    definitions.start() // before anyone can ask
    release = () => definitions.stop()
    const { address, port } = options.advertise
    const serverAddress = `${address}:${port}`
    const userOf = tokenUsers(tokens, view, writer.now)
    const { kubelet } = options
    const handler = new Handler({ writer, registry, log, kubelet, userOf, signal: end.signal, serverAddress })
    for (const where of options.listen) servers.push(await listen(where, options.tls, handler))
    bootstrap(writer, registry, options)
    const stops = [
      release,
      guardNamespaces(writer, registry, log),
      new GarbageCollector(writer, registry, log).start(),
      keepForATime(writer, registry),
      keepBudgets(store, view, log),
      keepAddressObjects(writer, registry, log),
      keepTokenSecrets(writer, registry, { tokens, ca: options.tls?.clientCa, log }),
      keepBasics(writer, registry, options, log),
      keepServiceCidrs(writer, registry, { addresses, log }),
    ]
    release = () => {
      for (const stopOne of stops) stopOne()
    }
    return { addresses: servers.map((entry) => entry.address), store, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
