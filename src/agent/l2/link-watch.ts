/** The machine's interfaces and their subnets, and when they change. */
import { networkInterfaces } from 'node:os'
import { listenToLinks, type NetlinkListener } from '../../linux/netlink-listener.ts'
import type { L2Link } from '../../plan/l2.ts'
import { machineGateways } from './gateways.ts'

export interface LinkSource {
  readonly current: readonly L2Link[]
  /** Calls back when `current` may be another one. */
  onChange(listener: () => void): void
  close(): Promise<void>
}

/** Of a node that announces on none. */
export const NO_LINKS: LinkSource = { current: [], onChange: () => undefined, close: () => Promise.resolve() }

/** Many messages come with one change; the kernel has done it when the first one comes. */
const GATHER_IN_MS = 5
/** Routes are not listened to; with a gateway that is new nothing has to happen at once. */
const LOOK_EVERY_IN_MS = 10_000

/** Follows the interfaces of this process's namespace. @throws {Error} */
export async function watchLinks(): Promise<LinkSource> {
  const listeners: (() => void)[] = []
  let current = machineLinks()
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    timer ??= setTimeout(() => {
      timer = undefined
      const now = machineLinks()
      if (JSON.stringify(now) === JSON.stringify(current)) return
      current = now
      for (const listener of listeners) listener()
    }, GATHER_IN_MS)
  }
  const netlink: NetlinkListener = await listenToLinks({ onHeard: look, onLost: look })
  const routes = setInterval(look, LOOK_EVERY_IN_MS)
  routes.unref()
  return {
    get current() {
      return current
    },
    onChange: (listener) => void listeners.push(listener),
    async close() {
      clearTimeout(timer)
      clearInterval(routes)
      await netlink.close()
    },
  }
}

/** Those that are up, sorted by name; without loopback, link-local subnets, and addresses that are a subnet of their own, as the announced ones are. */
function machineLinks(): readonly L2Link[] {
  const all = machineGateways()
  const links = Object.entries(networkInterfaces()).map(([name, addresses = []]) => {
    const cidrs = addresses.filter(({ internal }) => !internal).flatMap(({ cidr }) => cidr ?? [])
    const gateways = all.filter((gateway) => gateway.interface === name).map(({ address }) => address)
    return { name, subnets: [...new Set(cidrs.filter(isSubnet))].sort(), gateways: [...new Set(gateways)].sort() }
  })
  return links.filter(({ subnets }) => subnets.length > 0).sort((one, other) => (one.name < other.name ? -1 : 1))
}

function isSubnet(cidr: string): boolean {
  const [address = '', length] = cidr.split('/')
  if (address.startsWith('fe80:') || address.startsWith('169.254.')) return false
  return Number(length) < (address.includes(':') ? 128 : 32)
}
