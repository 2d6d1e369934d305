/**
 * Sends three packets of a TCP connection that its other end has never agreed to: ACK with data, from SOURCE PORT to ADDRESS PORT, far outside
 * of the window. Whoever receives one as a packet of a connection that it does not know answers by a reset.
 * Source: RFC 9293, 3.1; the checksum is that of RFC 1071 over the pseudo-header and the segment.
 */
import { createRequire } from 'node:module'
import ipaddr from 'ipaddr.js'

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const sendto = libc.func(
  'long sendto(int fd, const void *bytes, size_t length, int flags, const void *to, unsigned int toLength)',
)

const [SOCK_RAW, IPPROTO_TCP, AF_INET, AF_INET6] = [3, 6, 2, 10]

const [source = '', sourcePort = '0', address = '', port = '0'] = process.argv.slice(2)
const octets = ipaddr.parse(address).toByteArray()
const isIPv6 = octets.length === 16

function segment(sequence: number): Buffer {
  const bytes = Buffer.alloc(24)
  bytes.writeUInt16BE(Number(sourcePort), 0)
  bytes.writeUInt16BE(Number(port), 2)
  bytes.writeUInt32BE(sequence, 4)
  bytes.writeUInt32BE(sequence, 8) // what it says that it has seen
  bytes.writeUInt16BE(0x5010, 12) // a header of 20 bytes, ACK
  bytes.writeUInt16BE(1_000, 14)
  bytes.write('boom', 20)
  bytes.writeUInt16BE(checksum(bytes), 16)
  return bytes
}

function checksum(bytes: Buffer): number {
  const tail = isIPv6 ? [0, 0, 0, bytes.length, 0, 0, 0, IPPROTO_TCP] : [0, IPPROTO_TCP, 0, bytes.length]
  const all = Buffer.from([...ipaddr.parse(source).toByteArray(), ...octets, ...tail, ...bytes])
  let sum = 0
  for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

const to = Buffer.alloc(isIPv6 ? 28 : 16)
to.writeUInt16LE(isIPv6 ? AF_INET6 : AF_INET, 0)
to.set(octets, isIPv6 ? 8 : 4)
const fd = socket(isIPv6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_TCP) as number
if (fd < 0) throw new Error(`no raw socket can be opened: errno ${koffi.errno()}`)
for (const sequence of [1, 0x7fff_0000, 0xf000_0000]) {
  const bytes = segment(sequence)
  if ((sendto(fd, bytes, bytes.length, 0, to, to.length) as number) !== bytes.length)
    throw new Error(`not sent: errno ${koffi.errno()}`)
}
