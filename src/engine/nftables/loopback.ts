/**
 * The sysctl `route_localnet` of the interfaces that hostPort pods hang on: without it the kernel does not route a flow from
 * 127.0.0.1 out of the machine. What comes in with a loopback address is dropped by the table's first chain (CVE-2020-8558).
 *
 * An interface may come later than the rules, and anew for the same pod (a restarted sandbox), so new routes are listened to.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { listenToRoutes, type NetlinkListener } from '../../linux/netlink-listener.ts'
import type { RouteMessage } from '../../linux/netlink-messages.ts'
import { withNetns } from '../../linux/netns.ts'
import { logger } from '../../log/log.ts'
import { DATAPATH_LOOPBACK_REFUSED } from '../../model/codes/datapath.ts'

/** What a node needs beside rules: 127.0.0.1 hostPorts leave by pods' interfaces. Pods are known by who asks for them, of which a pod may have several. */
export interface LoopbackSwitch {
  /** From here on interfaces that come later are switched, too. */
  watch(): Promise<void>
  /** Lets 127.0.0.1 flows go to these IPv4 pods, by owner, until `forget`. */
  allow(pods: ReadonlyMap<string, string>): void
  /** Puts back the interfaces of pods that nobody asks for any more. */
  forget(owners: Iterable<string>): void
  close(): Promise<void>
}

const log = logger('loopback')

/** The switches of the namespace `netns`; the process's own by default. */
export class KernelLoopback implements LoopbackSwitch {
  private readonly netns: string | undefined
  private readonly pods = new Map<string, string>()
  private listener: NetlinkListener | undefined
  private refused = false

  constructor(netns?: string) {
    this.netns = netns
  }

  async watch(): Promise<void> {
    this.listener ??= await listenToRoutes({
      onHeard: (routes) => this.write(this.addresses.filter((address) => routes.some((route) => covers(route, address)))),
      onLost: () => this.write(this.addresses),
      ...(this.netns === undefined ? {} : { netns: this.netns }),
    })
  }

  allow(pods: ReadonlyMap<string, string>): void {
    for (const [owner, address] of pods) this.pods.set(owner, address)
    this.write([...pods.values()])
  }

  forget(owners: Iterable<string>): void {
    const gone: string[] = []
    for (const owner of owners) {
      const address = this.pods.get(owner)
      if (address !== undefined) gone.push(address)
      this.pods.delete(owner)
    }
    this.write(gone)
  }

  async close(): Promise<void> {
    await this.listener?.close()
  }

  private get addresses(): readonly string[] {
    return [...new Set(this.pods.values())]
  }

  /** Brings the interfaces of these addresses to what is asked of them; the one of a bridge serves many pods. */
  private write(addresses: readonly string[]): void {
    if (addresses.length === 0) return
    const action = () => {
      const table = readFileSync('/proc/thread-self/net/route', 'utf8')
      const wanted = new Set(this.addresses.flatMap((address) => interfaceTo(address, table) ?? []))
      const touched = new Set(addresses.flatMap((address) => interfaceTo(address, table) ?? []))
      for (const name of touched) this.set(name, wanted.has(name) ? '1' : '0')
    }
    if (this.netns === undefined) action()
    else withNetns(this.netns, action)
  }

  private set(name: string, value: '0' | '1'): void {
    const path = `/proc/sys/net/ipv4/conf/${name}/route_localnet`
    try {
      if (existsSync(path) && readFileSync(path, 'utf8').trim() !== value) writeFileSync(path, value)
    } catch (err) {
      // the rules are worth more than this one way in: say it once, and go on
      if (!this.refused) log.warn({ code: DATAPATH_LOOPBACK_REFUSED.code, interface: name, err }, DATAPATH_LOOPBACK_REFUSED.title)
      this.refused = true
    }
  }
}

function covers({ destination, prefixLength }: RouteMessage, address: string): boolean {
  const mask = prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0
  const number = address.split('.').reduce((value, part) => value * 256 + Number(part), 0)
  return (number & mask) >>> 0 === destination
}

/**
 * The interface of the longest route to an IPv4 address; undefined when only the default route leads there: such a pod is not here.
 *
 * Shape: `table` is the text of /proc/net/route: name, destination and mask as hexadecimal in the machine's byte order.
 */
export function interfaceTo(address: string, table: string): string | undefined {
  const wanted = littleEndian(address)
  let best: { readonly name: string; readonly bits: number } | undefined
  for (const line of table.split('\n').slice(1)) {
    const [name = '', destination = '', , , , , , mask = ''] = line.split('\t')
    const bits = mask === '' ? 0 : Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length
    if (bits === 0 || bits <= (best?.bits ?? 0)) continue
    if ((wanted & Number.parseInt(mask, 16)) >>> 0 === Number.parseInt(destination, 16)) best = { name, bits }
  }
  return best?.name
}

function littleEndian(address: string): number {
  return address.split('.').reduceRight((value, part) => value * 256 + Number(part), 0)
}
