import { setImmediate, setTimeout as wait } from 'node:timers/promises'
import ipaddr from 'ipaddr.js'
import {
  addAddress,
  getNeighbour,
  getRoute,
  type Link,
  type LinkAddress,
  type LinkChange,
  linkChangesOf,
  listAddresses,
  listLinks,
  NETLINK_ROUTE,
  neighbourMac,
  ownDestinations,
  removeAddress,
} from '../../linux/link-messages.ts'
import { announcement, question } from '../../linux/neighbour-frames.ts'
import { listenToLinks, listenToNftables, type NetlinkListener } from '../../linux/netlink-listener.ts'
import { askNetlink, type NetlinkAnswer } from '../../linux/netlink-request.ts'
import { type ClaimListener, listenToClaims, PacketSender } from '../../linux/packet-socket.ts'
import { FairwayError } from '../../model/code.ts'
import { L2_CHANGE_FAILED } from '../../model/codes/l2.ts'
import type { AddressConflict } from '../../model/l2.ts'
import { AnswerTable, TABLE } from './answer-table.ts'
import { StateFile } from './state-file.ts'
import {
  type AddressState,
  type AddressTransport,
  type NodeAddresses,
  type NodeChange,
  type Placed,
  placeOf,
} from './transport.ts'

/** Addresses that are sent, or asked for, in one turn of the event loop. */
const CHUNK = 200

/** How long an address may take until packets to it reach the node, and the first and the longest pause between two looks. */
const SETTLED = { withinInMs: 1_000, firstInMs: 1, longestInMs: 16 } as const

export interface AddressOptions {
  /** Where the engine keeps its memory; best a folder that a restart of the machine empties. */
  readonly directory: string
  /** A namespace file; the process's own by default. */
  readonly netns?: string
}

/** The interfaces of a namespace. */
export class KernelAddresses implements AddressTransport {
  private readonly netns: string | undefined
  private readonly table: AnswerTable
  private readonly sender: PacketSender
  private readonly file: StateFile
  private readonly listeners: (NetlinkListener | ClaimListener)[] = []
  private links: ReadonlyMap<string, Link> = new Map()
  private addresses: readonly LinkAddress[] = []

  constructor({ directory, netns }: AddressOptions) {
    this.netns = netns
    this.file = new StateFile(directory)
    this.table = new AnswerTable(netns)
    this.sender = openSender(netns)
  }

  async watch(onChange: (change: NodeChange) => void): Promise<void> {
    const place = { onLost: () => onChange(undefined), ...(this.netns === undefined ? {} : { netns: this.netns }) }
    const mine = `${TABLE.family} ${TABLE.name}`
    this.listeners.push(
      await listenToLinks({ ...place, onHeard: (changes) => this.hear(changes, onChange) }),
      await listenToNftables({
        ...place,
        onHeard: ({ portId, tables }) => {
          if (portId !== this.table.portId && tables.includes(mine)) onChange({ kind: 'rules' })
        },
      }),
    )
  }

  async read(): Promise<NodeAddresses> {
    const [links, addresses] = await Promise.all([this.netlink([listLinks(1)]), this.netlink([listAddresses(1)])])
    const known = linkChangesOf(links.messages).flatMap((change) => (change.kind === 'link' ? [change.link] : []))
    this.links = new Map(known.map((link) => [link.name, link]))
    this.addresses = linkChangesOf(addresses.messages).flatMap((change) => (change.kind === 'address' ? [change.address] : []))
    return { links: this.links, addresses: this.addresses }
  }

  add(placed: readonly Placed[]): Promise<ReadonlyMap<string, string>> {
    return this.change(placed, addAddress, [])
  }

  /**
   * The kernel acknowledges an IPv6 address before it delivers to it: a queue of its own makes the route, and on a busy machine that takes tens of
   * milliseconds. A node that has no neighbour entry of a client asks for one from that very address, does not get the answer, and asks again
   * only after a second. Source: Linux net/ipv6/addrconf.c, addrconf_dad_work.
   */
  async settle(placed: readonly Placed[]): Promise<void> {
    let missing = [...new Set(placed.flatMap(({ family, address }) => (family === 'ipv6' ? [address] : [])))]
    const untilInMs = performance.now() + SETTLED.withinInMs
    for (let pauseInMs: number = SETTLED.firstInMs; ; pauseInMs = Math.min(2 * pauseInMs, SETTLED.longestInMs)) {
      missing = await this.notDelivered(missing)
      if (missing.length === 0 || performance.now() >= untilInMs) return
      await wait(pauseInMs)
    }
  }

  remove(placed: readonly Placed[]): Promise<ReadonlyMap<string, string>> {
    return this.change(placed, removeAddress, ['EADDRNOTAVAIL', 'ENODEV'])
  }

  readAnswers(): Promise<ReadonlySet<string> | undefined> {
    return this.table.read()
  }

  answer(wanted: ReadonlySet<string>, before: ReadonlySet<string> | undefined): Promise<void> {
    return this.table.write(wanted, before)
  }

  forgetAnswers(): Promise<void> {
    return this.table.remove()
  }

  load(): Promise<AddressState> {
    return this.file.load()
  }

  save(state: AddressState): Promise<void> {
    return this.file.save(state)
  }

  async announce(placed: readonly Placed[]): Promise<void> {
    for (const [turn, { address, interface: name }] of placed.entries()) {
      if (turn > 0 && turn % CHUNK === 0) await setImmediate()
      const link = this.links.get(name)
      if (link === undefined || !link.resolves || link.mac === '') continue // the loopback has no neighbours
      for (const frame of announcement({ address, mac: link.mac })) this.sender.send(link.index, frame) // one that is lost is said again
    }
  }

  async listen(onClaim: (claim: AddressConflict) => void): Promise<void> {
    if (this.links.size === 0) await this.read()
    const listener = await listenToClaims((claims) => {
      const mine = new Set([...this.links.values()].map(({ mac }) => mac))
      for (const { address, mac, interfaceIndex } of claims) {
        const name = this.nameOf(interfaceIndex)
        if (name !== undefined && !mine.has(mac)) onClaim({ address, mac, interface: name })
      }
    }, this.netns)
    this.listeners.push(listener)
  }

  async ask(address: string, interfaceName: string): Promise<boolean> {
    if (!this.links.has(interfaceName)) await this.read()
    const link = this.links.get(interfaceName)
    const source = link === undefined ? undefined : this.sourceFor(address, link.index)
    if (link === undefined || source === undefined) return false
    const { messages } = await this.netlink([getNeighbour({ index: link.index, address }, 1)])
    const frame = question({ address: source, mac: link.mac }, address, neighbourMac(messages))
    return this.sender.send(link.index, frame) === undefined
  }

  async close(): Promise<void> {
    await Promise.all(this.listeners.splice(0).map((listener) => listener.close()))
    this.sender.close()
    this.table.close()
  }

  /** The node's own address on an interface that a neighbour finds familiar: one whose subnet has both. */
  private sourceFor(address: string, index: number): string | undefined {
    const target = ipaddr.parse(address)
    const own = this.addresses.filter((one) => one.index === index && one.family === target.kind() && !one.bare)
    const near = own.find((one) => target.match(ipaddr.parse(one.address) as never, one.prefixLength))
    return (near ?? own[0])?.address
  }

  private hear(changes: readonly LinkChange[], onChange: (change: NodeChange) => void): void {
    for (const change of changes) {
      if (change.kind === 'link') {
        const links = new Map(this.links)
        if (change.gone) links.delete(change.link.name)
        else links.set(change.link.name, change.link)
        this.links = links
        onChange(change)
      } else {
        const name = this.nameOf(change.address.index)
        const { address } = change.address
        if (name !== undefined) onChange({ kind: 'address', gone: change.gone, address, interface: name })
      }
    }
  }

  private nameOf(index: number): string | undefined {
    for (const link of this.links.values()) if (link.index === index) return link.name
    return undefined
  }

  private async change(
    placed: readonly Placed[],
    message: (address: { index: number; address: string }, sequence: number) => Buffer,
    harmless: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const failed = new Map<string, string>()
    for (let from = 0; from < placed.length; from += CHUNK) {
      const asked = placed.slice(from, from + CHUNK)
      const messages = asked.map((one, at) =>
        message({ index: this.links.get(one.interface)?.index ?? 0, address: one.address }, at + 1),
      )
      const { errors } = await this.netlink(messages)
      for (const [sequence, reason] of errors) {
        const one = asked[sequence - 1]
        if (one !== undefined && !harmless.includes(reason)) failed.set(placeOf(one), reason)
      }
    }
    return failed
  }

  private async notDelivered(addresses: readonly string[]): Promise<string[]> {
    const missing: string[] = []
    for (let from = 0; from < addresses.length; from += CHUNK) {
      const asked = addresses.slice(from, from + CHUNK)
      const { messages } = await this.netlink(asked.map((address, at) => getRoute(address, at + 1)))
      const own = ownDestinations(messages)
      missing.push(...asked.filter((address) => !own.has(address)))
    }
    return missing
  }

  private netlink(messages: readonly Buffer[]): Promise<NetlinkAnswer> {
    return askNetlink({ protocol: NETLINK_ROUTE, messages, ...(this.netns === undefined ? {} : { netns: this.netns }) })
  }
}

function openSender(netns: string | undefined): PacketSender {
  try {
    return new PacketSender(netns)
  } catch (cause) {
    throw new FairwayError(L2_CHANGE_FAILED, `Addresses cannot be announced: ${(cause as Error).message}.`, { cause })
  }
}
