/**
 * Ethernet frames by which hosts on one segment find each other: ARP for IPv4, neighbour discovery for IPv6.
 * Source: RFC 826, RFC 5227 (announcements), RFC 4861 (neighbour discovery), RFC 2464 (IPv6 over Ethernet).
 */
import type { Family } from '../model/world.ts'
import { addressText, macText, octetsOf } from './link-messages.ts'

export const ETHERTYPE = { ipv4: 0x0806, ipv6: 0x86dd } as const

const BROADCAST = Buffer.alloc(6, 0xff)
const NOBODY = Buffer.alloc(6)
const REQUEST = 1
const REPLY = 2
const ARP_BYTES = 28
const IPV6_HEADER = 40
const ICMPV6 = 58
const SOLICITATION = 135
const ADVERTISEMENT = 136
const OVERRIDE = 0x20
const OPTION = { sourceMac: 1, targetMac: 2 } as const
const ALL_NODES = octetsOf('ff02::1')

/** One end of a question: addresses of both kinds. */
interface Host {
  readonly address: string
  /** `02:00:00:00:00:01`. */
  readonly mac: string
}

/**
 * Frames that tell everybody on the segment that `mac` has `address`. ARP has two forms, and there are devices that hear only one; an
 * override advertisement replaces what hosts remember.
 */
export function announcement({ address, mac }: Host): readonly Buffer[] {
  const [octets, hardware] = [octetsOf(address), macOctets(mac)]
  if (octets.length === 16) {
    const body = discovery(ADVERTISEMENT, octets, { kind: OPTION.targetMac, mac: hardware })
    body[4] = OVERRIDE
    return [frame(multicastMac(ALL_NODES), hardware, ETHERTYPE.ipv6, ipv6(octets, ALL_NODES, body))]
  }
  const sender = { address: octets, mac: hardware }
  return [
    frame(BROADCAST, hardware, ETHERTYPE.ipv4, arp(REQUEST, sender, { address: octets, mac: NOBODY })),
    frame(BROADCAST, hardware, ETHERTYPE.ipv4, arp(REPLY, sender, { address: octets, mac: hardware })),
  ]
}

/** A frame that asks who has `address`: the host with `mac` alone, or everybody when that is undefined. */
export function question(asking: Host, address: string, mac: string | undefined): Buffer {
  const [source, target, hardware] = [octetsOf(asking.address), octetsOf(address), macOctets(asking.mac)]
  const known = mac === undefined ? undefined : macOctets(mac)
  if (target.length === 4) {
    const body = arp(REQUEST, { address: source, mac: hardware }, { address: target, mac: NOBODY })
    return frame(known ?? BROADCAST, hardware, ETHERTYPE.ipv4, body)
  }
  const to = known === undefined ? solicitedNode(target) : target
  const body = discovery(SOLICITATION, target, { kind: OPTION.sourceMac, mac: hardware })
  return frame(known ?? multicastMac(to), hardware, ETHERTYPE.ipv6, ipv6(source, to, body))
}

/** What a frame says of who has an address. */
export interface NeighbourClaim extends Host {
  readonly family: Family
}

/** The claim in what an Ethernet frame carries; undefined when it makes none. `from` is the frame's sender, for what names no hardware address. */
export function parseClaim(data: Buffer, from: string): NeighbourClaim | undefined {
  return data[0] === 0 ? parseArp(data) : parseDiscovery(data, from)
}

function parseArp(data: Buffer): NeighbourClaim | undefined {
  const ethernetAndIpv4 = data.length >= ARP_BYTES && data.readUInt32BE(0) === 0x0001_0800 && data.readUInt16BE(4) === 0x0604
  if (!ethernetAndIpv4 || data.readUInt32BE(14) === 0) return undefined // a probe before use comes from 0.0.0.0
  return { family: 'ipv4', address: addressText(data.subarray(14, 18)), mac: macText(data.subarray(8, 14)) }
}

function parseDiscovery(data: Buffer, from: string): NeighbourClaim | undefined {
  const ours = data.length >= IPV6_HEADER + 24 && data[6] === ICMPV6 && data[7] === 255 // a lower hop limit crossed a router
  if (!ours) return undefined
  const body = data.subarray(IPV6_HEADER)
  if (body[0] === ADVERTISEMENT) {
    const mac = optionOf(body, OPTION.targetMac) ?? from
    return { family: 'ipv6', address: addressText(body.subarray(8, 24)), mac }
  }
  const source = data.subarray(8, 24)
  if (body[0] !== SOLICITATION || source.every((octet) => octet === 0)) return undefined
  return { family: 'ipv6', address: addressText(source), mac: optionOf(body, OPTION.sourceMac) ?? from }
}

function optionOf(body: Buffer, kind: number): string | undefined {
  for (let at = 24; at + 8 <= body.length; ) {
    const length = (body[at + 1] ?? 0) * 8
    if (length === 0) return undefined
    if (body[at] === kind) return macText(body.subarray(at + 2, at + 8))
    at += length
  }
  return undefined
}

interface Octets {
  readonly address: Buffer
  readonly mac: Buffer
}

function arp(operation: number, sender: Octets, target: Octets): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation])
  return Buffer.concat([head, sender.mac, sender.address, target.mac, target.address])
}

function discovery(type: number, target: Buffer, option: { readonly kind: number; readonly mac: Buffer }): Buffer {
  return Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), target, Buffer.from([option.kind, 1]), option.mac])
}

/** Puts the checksum into `body`. */
function ipv6(source: Buffer, destination: Buffer, body: Buffer): Buffer {
  const pseudo = Buffer.concat([source, destination, Buffer.from([0, 0, 0, body.length, 0, 0, 0, ICMPV6]), body])
  body.writeUInt16BE(checksum(pseudo), 2)
  const header = Buffer.from([0x60, 0, 0, 0, 0, body.length, ICMPV6, 255])
  return Buffer.concat([header, source, destination, body])
}

function checksum(data: Buffer): number {
  let sum = 0
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function frame(destination: Buffer, source: Buffer, type: number, payload: Buffer): Buffer {
  return Buffer.concat([destination, source, Buffer.from([type >> 8, type & 0xff]), payload])
}

function solicitedNode(target: Buffer): Buffer {
  return Buffer.concat([octetsOf('ff02::1:ff00:0').subarray(0, 13), target.subarray(13)])
}

function multicastMac(address: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x33, 0x33]), address.subarray(12)])
}

function macOctets(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex')
}
