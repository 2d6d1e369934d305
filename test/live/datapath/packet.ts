/** IP packets of TCP and SCTP, written and read byte by byte. Source: RFC 791, 8200, 9293, 9260 (checksum: CRC32c). */
import ipaddr from 'ipaddr.js'

const TCP = 6
const SCTP = 132

/** One segment or chunk between two ends; `body` is what comes behind the ports. */
export interface Packet {
  readonly protocol: number
  readonly from: string
  readonly fromPort: number
  readonly to: string
  readonly port: number
  /** From the first port on. */
  readonly payload: Buffer
}

type Ends = Pick<Packet, 'from' | 'fromPort' | 'to' | 'port'>

/** Reads a packet; undefined when it is no IP or has options of IPv6. */
export function readPacket(bytes: Buffer): Packet | undefined {
  const version = (bytes[0] ?? 0) >> 4
  if (version !== 4 && version !== 6) return undefined
  const at = version === 4 ? { from: 12, to: 16, end: 20, protocol: 9 } : { from: 8, to: 24, end: 40, protocol: 6 }
  const payload = bytes.subarray(version === 4 ? ((bytes[0] ?? 0) & 0xf) * 4 : 40)
  const address = (from: number, to: number) => ipaddr.fromByteArray([...bytes.subarray(from, to)]).toString()
  if (payload.length < 8) return undefined
  return {
    protocol: bytes[at.protocol] ?? 0,
    from: address(at.from, at.to),
    to: address(at.to, at.end),
    fromPort: payload.readUInt16BE(0),
    port: payload.readUInt16BE(2),
    payload,
  }
}

/** An INIT chunk with nothing special in it, or its INIT ACK. */
export function sctpInit(ends: Ends, kind: 'init' | 'init ack', tag = 0): Buffer {
  const body = Buffer.alloc(32)
  body.writeUInt16BE(ends.fromPort, 0)
  body.writeUInt16BE(ends.port, 2)
  body.writeUInt32BE(tag, 4)
  body.writeUInt8(kind === 'init' ? 1 : 2, 12)
  body.writeUInt16BE(20, 14) // length of the chunk
  body.writeUInt32BE(0x1234_5678, 16) // initiate tag
  body.writeUInt32BE(65_535, 20) // window
  body.writeUInt16BE(1, 24) // streams out
  body.writeUInt16BE(1, 26) // streams in
  body.writeUInt32BE(1, 28) // TSN
  body.writeUInt32LE(crc32c(body), 8)
  return inIp(ends, SCTP, body)
}

export function hasGoodCrc({ payload }: Packet): boolean {
  const plain = Buffer.from(payload)
  plain.writeUInt32LE(0, 8)
  return payload.readUInt32LE(8) === crc32c(plain)
}

/** An ACK segment with one byte of data. */
export function tcpData(ends: Ends, sequence: number, acknowledged: number): Buffer {
  const body = Buffer.alloc(21, 'x')
  body.fill(0, 0, 20)
  body.writeUInt16BE(ends.fromPort, 0)
  body.writeUInt16BE(ends.port, 2)
  body.writeUInt32BE(sequence >>> 0, 4)
  body.writeUInt32BE(acknowledged >>> 0, 8)
  body.writeUInt8(5 << 4, 12)
  body.writeUInt8(0x18, 13) // PSH, ACK
  body.writeUInt16BE(500, 14)
  const pseudo = Buffer.concat([bytesOf(ends.from), bytesOf(ends.to), Buffer.from([0, 0, 0, TCP, 0, 0, 0, body.length])])
  body.writeUInt16BE(internetChecksum(Buffer.concat([pseudo, body])), 16)
  return inIp(ends, TCP, body)
}

const bytesOf = (address: string): Buffer => Buffer.from(ipaddr.parse(address).toByteArray())

function inIp({ from, to }: Ends, protocol: number, body: Buffer): Buffer {
  const ends = Buffer.concat([bytesOf(from), bytesOf(to)])
  if (ends.length === 32) {
    const header = Buffer.from([0x60, 0, 0, 0, 0, body.length, protocol, 64])
    return Buffer.concat([header, ends, body])
  }
  const header = Buffer.concat([Buffer.from([0x45, 0, 0, 20 + body.length, 0, 0, 0x40, 0, 64, protocol, 0, 0]), ends])
  header.writeUInt16BE(internetChecksum(header), 10)
  return Buffer.concat([header, body])
}

function internetChecksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function crc32c(bytes: Buffer): number {
  let value = 0xffff_ffff
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (0x82f6_3b78 & -(value & 1))
  }
  return (value ^ 0xffff_ffff) >>> 0
}
