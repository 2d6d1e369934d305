/**
 * Interfaces, their addresses and their neighbours as rtnetlink tells them and is asked to change them. Integers are in the machine's order
 * (little endian), addresses in the network's. Source: rtnetlink(7); linux/if_addr.h, if_link.h, neighbour.h, rtnetlink.h.
 */
import ipaddr from 'ipaddr.js'
import type { Family } from '../model/world.ts'
import { attribute, messages } from './netlink-messages.ts'
import type { NetlinkMessage } from './netlink-request.ts'

export const NETLINK_ROUTE = 0

const HEADER = 16
const NEWLINK = 16
const DELLINK = 17
const GETLINK = 18
const NEWADDR = 20
const DELADDR = 21
const GETADDR = 22
const NEWROUTE = 24
const GETROUTE = 26
const NEWNEIGH = 28
const GETNEIGH = 30
const F_REQUEST = 1
const F_ACK = 4
const F_DUMP = 0x300
const F_CREATE_EXCL = 0x600

const IFINFOMSG = 16
const IFADDRMSG = 8
const NDMSG = 12
const RTMSG = 12
const IFLA = { mac: 1, name: 3 } as const
const IFA = { address: 1, local: 2, cacheInfo: 6, flags: 8 } as const
const NDA = { destination: 1, mac: 2 } as const
const RTA = { destination: 1 } as const
const RTN_LOCAL = 2
const IFF = { up: 1, loopback: 8, running: 0x40, noArp: 0x80 } as const
const IFA_F_NODAD = 0x02
const IFA_F_NOPREFIXROUTE = 0x200
const NUD_INCOMPLETE_OR_FAILED = 0x21
const FAMILIES = { ipv4: 2, ipv6: 10 } as const
const FOR_EVER = 0xffff_ffff

export interface Link {
  readonly index: number
  readonly name: string
  /** `02:00:00:00:00:01`; '' where the interface has none of Ethernet's. */
  readonly mac: string
  /** Switched on, and able to send. */
  readonly up: boolean
  /** Whether hosts on its segment find addresses by asking: neither the loopback nor a NOARP interface. */
  readonly resolves: boolean
}

export interface LinkAddress {
  readonly index: number
  readonly family: Family
  /** Canonical. */
  readonly address: string
  readonly prefixLength: number
  /** `noprefixroute`: no route to its prefix came with it. */
  readonly bare: boolean
}

export type LinkChange =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: LinkAddress }

/** What a datagram says of interfaces and addresses, in order. */
export function parseLinkChanges(data: Buffer): readonly LinkChange[] {
  return messages(data).flatMap(changeOf)
}

/** What an answer to `listLinks` and `listAddresses` says. */
export function linkChangesOf(answer: readonly NetlinkMessage[]): readonly LinkChange[] {
  return answer.flatMap(changeOf)
}

function changeOf({ type, body }: NetlinkMessage): readonly LinkChange[] {
  if (type === NEWLINK || type === DELLINK) return [{ kind: 'link', gone: type === DELLINK, link: linkOf(body) }]
  if (type !== NEWADDR && type !== DELADDR) return []
  const address = addressOf(body)
  return address === undefined ? [] : [{ kind: 'address', gone: type === DELADDR, address }]
}

function linkOf(body: Buffer): Link {
  const flags = body.readUInt32LE(8)
  const mac = attribute(body, IFINFOMSG, IFLA.mac)
  return {
    index: body.readInt32LE(4),
    name: attribute(body, IFINFOMSG, IFLA.name)?.toString('latin1').replace(/\0.*$/s, '') ?? '',
    mac: mac?.length === 6 ? macText(mac) : '',
    up: (flags & IFF.up) !== 0 && (flags & IFF.running) !== 0,
    resolves: (flags & (IFF.loopback | IFF.noArp)) === 0,
  }
}

function addressOf(body: Buffer): LinkAddress | undefined {
  const octets = attribute(body, IFADDRMSG, IFA.local) ?? attribute(body, IFADDRMSG, IFA.address)
  if (octets === undefined || (octets.length !== 4 && octets.length !== 16)) return undefined
  const flags = attribute(body, IFADDRMSG, IFA.flags)?.readUInt32LE(0) ?? body[2] ?? 0
  return {
    index: body.readUInt32LE(4),
    family: octets.length === 4 ? 'ipv4' : 'ipv6',
    address: addressText(octets),
    prefixLength: body[1] ?? 0,
    bare: (flags & IFA_F_NOPREFIXROUTE) !== 0,
  }
}

export function listLinks(sequence: number): Buffer {
  return message(GETLINK, F_DUMP, sequence, Buffer.alloc(IFINFOMSG))
}

export function listAddresses(sequence: number): Buffer {
  return message(GETADDR, F_DUMP, sequence, Buffer.alloc(IFADDRMSG))
}

export interface HostAddress {
  readonly index: number
  readonly address: string
}

/**
 * Adds an address alone, as /32 or /128 without a route to its prefix. An IPv6 one is not checked for duplicates (a duplicate would disable it for
 * good) and is never the source of the node's own traffic. EEXIST when it is there.
 */
export function addAddress({ index, address }: HostAddress, sequence: number): Buffer {
  const octets = octetsOf(address)
  const ipv6 = octets.length === 16
  const flags = uint32(ipv6 ? IFA_F_NOPREFIXROUTE | IFA_F_NODAD : IFA_F_NOPREFIXROUTE)
  const lifetimes = Buffer.concat([uint32(0), uint32(FOR_EVER), uint32(0), uint32(0)])
  const attributes = [attributeOf(IFA.local, octets), attributeOf(IFA.address, octets), attributeOf(IFA.flags, flags)]
  if (ipv6) attributes.push(attributeOf(IFA.cacheInfo, lifetimes))
  return message(NEWADDR, F_ACK | F_CREATE_EXCL, sequence, Buffer.concat([addressHeader(index, octets), ...attributes]))
}

/** Takes away what `addAddress` added. EADDRNOTAVAIL when it is not there. */
export function removeAddress({ index, address }: HostAddress, sequence: number): Buffer {
  const octets = octetsOf(address)
  const attributes = [attributeOf(IFA.local, octets), attributeOf(IFA.address, octets)]
  return message(DELADDR, F_ACK, sequence, Buffer.concat([addressHeader(index, octets), ...attributes]))
}

/** Asks for one neighbour. ENOENT when the kernel knows none. */
export function getNeighbour({ index, address }: HostAddress, sequence: number): Buffer {
  const octets = octetsOf(address)
  const header = Buffer.alloc(NDMSG)
  header[0] = octets.length === 4 ? FAMILIES.ipv4 : FAMILIES.ipv6
  header.writeInt32LE(index, 4)
  return message(GETNEIGH, F_ACK, sequence, Buffer.concat([header, attributeOf(NDA.destination, octets)]))
}

/** The hardware address in an answer to `getNeighbour`; undefined when the kernel has none that works. */
export function neighbourMac(answer: readonly NetlinkMessage[]): string | undefined {
  const body = answer.find(({ type }) => type === NEWNEIGH)?.body
  if (body === undefined || (body.readUInt16LE(8) & NUD_INCOMPLETE_OR_FAILED) !== 0) return undefined
  const mac = attribute(body, NDMSG, NDA.mac)
  return mac?.length === 6 ? macText(mac) : undefined
}

/** Asks where the node would send a packet to an address. */
export function getRoute(address: string, sequence: number): Buffer {
  const octets = octetsOf(address)
  const header = Buffer.alloc(RTMSG)
  header[0] = octets.length === 4 ? FAMILIES.ipv4 : FAMILIES.ipv6
  header[1] = octets.length * 8
  return message(GETROUTE, F_ACK, sequence, Buffer.concat([header, attributeOf(RTA.destination, octets)]))
}

/** The addresses, of those that `getRoute` asked about, whose packets the node takes for its own. */
export function ownDestinations(answer: readonly NetlinkMessage[]): ReadonlySet<string> {
  const own = answer.filter(({ type, body }) => type === NEWROUTE && body[7] === RTN_LOCAL)
  const octets = own.flatMap(({ body }) => attribute(body, RTMSG, RTA.destination) ?? [])
  return new Set(octets.map(addressText))
}

export function macText(octets: Buffer): string {
  return octets.toString('hex').replace(/(..)(?=.)/g, '$1:')
}

export function addressText(octets: Uint8Array): string {
  return ipaddr.fromByteArray([...octets]).toString()
}

export function octetsOf(address: string): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray())
}

function addressHeader(index: number, octets: Buffer): Buffer {
  const header = Buffer.alloc(IFADDRMSG)
  header[0] = octets.length === 4 ? FAMILIES.ipv4 : FAMILIES.ipv6
  header[1] = octets.length * 8
  header.writeUInt32LE(index, 4)
  return header
}

function message(type: number, flags: number, sequence: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt32LE(HEADER + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(F_REQUEST | flags, 6)
  header.writeUInt32LE(sequence, 8)
  return Buffer.concat([header, body])
}

function attributeOf(kind: number, value: Buffer): Buffer {
  const data = Buffer.alloc((4 + value.length + 3) & ~3)
  data.writeUInt16LE(4 + value.length, 0)
  data.writeUInt16LE(kind, 2)
  value.copy(data, 4)
  return data
}

function uint32(value: number): Buffer {
  const data = Buffer.alloc(4)
  data.writeUInt32LE(value)
  return data
}
