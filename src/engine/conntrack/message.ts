/**
 * Netlink messages of conntrack.
 *
 * Integers of netlink's own headers are in the machine's order (little endian), those of conntrack in the network's, but for the
 * flags of a filter. Source: linux/netfilter/nfnetlink_conntrack.h; net/netfilter/nf_conntrack_netlink.c, nf_internals.h.
 */
import ipaddr from 'ipaddr.js'
import type { Backend } from '../../model/datapath.ts'
import { familyOf } from '../../model/datapath.ts'
import type { FlowMatch, RecordedFlow } from '../../model/flow.ts'
import type { Family } from '../../model/world.ts'

const SUBSYSTEM = 1 << 8
const MSG_NEW = SUBSYSTEM | 0
const MSG_GET = SUBSYSTEM | 1
const MSG_DELETE = SUBSYSTEM | 2
const F_REQUEST = 1
const F_ACK = 4
const F_DUMP = 0x300
const NFGENMSG = 4
/** With version 0 a filtered delete takes no notice of the family. */
const NFGENMSG_VERSION = 1
const FAMILIES = { ipv4: 2, ipv6: 10 } as const
const UDP = 17

const TUPLE_ORIG = 1
const TUPLE_REPLY = 2
const FILTER = 25
const TUPLE_IP = 1
const TUPLE_PROTO = 2
const NESTED = 0x8000
const PROTO = { number: 1, sourcePort: 2, destinationPort: 3 } as const
const ADDRESS = { ipv4: { source: 1, destination: 2 }, ipv6: { source: 3, destination: 4 } } as const
/** nf_internals.h, CTA_FILTER_F_*. */
const BY = { source: 1 << 0, destination: 1 << 1, protocol: 1 << 3, sourcePort: 1 << 4, destinationPort: 1 << 5 } as const

export const NETLINK_NETFILTER = 12

/** One end of a flow; what is left out may be anything. */
interface Ends {
  readonly family: Family
  readonly source?: Partial<Backend>
  readonly destination?: Partial<Backend>
}

/** Asks for all UDP flows of a family. */
export function listMessage(family: Family, sequence: number): Buffer {
  const filter = nested(FILTER, [attribute(1, uint32(BY.protocol)), attribute(2, uint32(0))])
  return message(MSG_GET, F_DUMP, { family, sequence, body: [tuple(TUPLE_ORIG, { family }), filter] })
}

/** Whether the kernel's filter can say it: addresses of IPv6 it compares the wrong way round (seen in Linux 6.18), and `not translated` it does not know. */
export function canFilter({ family, address, server }: FlowMatch): boolean {
  return family === 'ipv4' && (server !== 'untranslated' || address !== '')
}

/** Deletes all flows that match, where `canFilter`. */
export function forgetMessage(match: FlowMatch, sequence: number): Buffer {
  const { family, address, port, server } = match
  const by = BY.protocol | BY.destinationPort | (address === '' ? 0 : BY.destination)
  const orig = tuple(TUPLE_ORIG, { family, destination: { ...(address === '' ? {} : { address }), port } })
  const filter = nested(FILTER, [attribute(1, uint32(by)), attribute(2, uint32(BY.protocol | BY.source | BY.sourcePort))])
  return message(MSG_DELETE, F_ACK, {
    family,
    sequence,
    body: [orig, tuple(TUPLE_REPLY, { family, source: server === 'untranslated' ? { address, port } : server }), filter],
  })
}

/** Deletes one flow. */
export function deleteMessage({ family, source, destination }: RecordedFlow, sequence: number): Buffer {
  return message(MSG_DELETE, F_ACK, { family, sequence, body: [tuple(TUPLE_ORIG, { family, source, destination })] })
}

/** The flow that a message of a listing tells of; undefined when it is another kind of message or protocol. */
export function readFlow(type: number, body: Buffer): RecordedFlow | undefined {
  if (type !== MSG_NEW) return undefined
  const attributes = attributesOf(body.subarray(NFGENMSG))
  const [orig, reply] = [readTuple(attributes.get(TUPLE_ORIG)), readTuple(attributes.get(TUPLE_REPLY))]
  if (orig === undefined || reply === undefined) return undefined
  const family = familyOf(orig.source.address)
  return { family, source: orig.source, destination: orig.destination, server: reply.source, reply: reply.destination }
}

function readTuple(data: Buffer | undefined): { readonly source: Backend; readonly destination: Backend } | undefined {
  if (data === undefined) return undefined
  const parts = attributesOf(data)
  const [ip, proto] = [attributesOf(parts.get(TUPLE_IP)), attributesOf(parts.get(TUPLE_PROTO))]
  const [source, destination] = [ip.get(1) ?? ip.get(3), ip.get(2) ?? ip.get(4)]
  if (proto.get(PROTO.number)?.[0] !== UDP || source === undefined || destination === undefined) return undefined
  const port = (kind: number) => proto.get(kind)?.readUInt16BE(0) ?? 0
  return {
    source: { address: addressText(source), port: port(PROTO.sourcePort) },
    destination: { address: addressText(destination), port: port(PROTO.destinationPort) },
  }
}

function addressText(bytes: Buffer): string {
  return ipaddr.fromByteArray([...bytes]).toString()
}

function tuple(kind: number, { family, source, destination }: Ends): Buffer {
  const words = ADDRESS[family]
  const address = (type: number, text: string | undefined) =>
    text === undefined ? [] : [attribute(type, Buffer.from(ipaddr.parse(text).toByteArray()))]
  const port = (type: number, number: number | undefined) => (number === undefined ? [] : [attribute(type, uint16BE(number))])
  return nested(kind, [
    nested(TUPLE_IP, [...address(words.source, source?.address), ...address(words.destination, destination?.address)]),
    nested(TUPLE_PROTO, [
      attribute(PROTO.number, Buffer.from([UDP])),
      ...port(PROTO.sourcePort, source?.port),
      ...port(PROTO.destinationPort, destination?.port),
    ]),
  ])
}

interface Content {
  readonly family: Family
  readonly sequence: number
  readonly body: readonly Buffer[]
}

function message(type: number, flags: number, { family, sequence, body }: Content): Buffer {
  const head = Buffer.alloc(16 + NFGENMSG)
  const whole = Buffer.concat([head, ...body])
  whole.writeUInt32LE(whole.length, 0)
  whole.writeUInt16LE(type, 4)
  whole.writeUInt16LE(F_REQUEST | flags, 6)
  whole.writeUInt32LE(sequence, 8)
  whole[16] = FAMILIES[family]
  whole[17] = NFGENMSG_VERSION
  return whole
}

function attribute(kind: number, data: Buffer): Buffer {
  const whole = Buffer.alloc(4 + ((data.length + 3) & ~3))
  whole.writeUInt16LE(4 + data.length, 0)
  whole.writeUInt16LE(kind, 2)
  data.copy(whole, 4)
  return whole
}

function nested(kind: number, parts: readonly Buffer[]): Buffer {
  return attribute(kind | NESTED, Buffer.concat(parts))
}

function attributesOf(data: Buffer = Buffer.alloc(0)): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= data.length; ) {
    const length = data.readUInt16LE(at)
    if (length < 4) break
    found.set(data.readUInt16LE(at + 2) & 0x3fff, data.subarray(at + 4, at + length))
    at += (length + 3) & ~3
  }
  return found
}

function uint16BE(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
