/**
 * Sends the INIT of a new SCTP association to ADDRESS PORT ten times a second, each from another port, until it is killed.
 * Source: RFC 9260, 3.1 and 3.3.2; the checksum is CRC-32C over the packet, least significant byte first.
 */
import { createRequire } from 'node:module'
import ipaddr from 'ipaddr.js'

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const sendto = libc.func(
  'long sendto(int fd, const void *bytes, size_t length, int flags, const void *to, unsigned int toLength)',
)
const errno = () => koffi.errno()

const [SOCK_RAW, IPPROTO_SCTP, AF_INET, AF_INET6] = [3, 132, 2, 10]

const [address = '', port = '0'] = process.argv.slice(2)
const octets = ipaddr.parse(address).toByteArray()
const isIPv6 = octets.length === 16
const to = Buffer.alloc(isIPv6 ? 28 : 16)
to.writeUInt16LE(isIPv6 ? AF_INET6 : AF_INET, 0)
to.set(octets, isIPv6 ? 8 : 4)
const fd = socket(isIPv6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_SCTP) as number
if (fd < 0) throw new Error(`no raw socket can be opened: errno ${errno()}`)

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

function init(source: number): Buffer {
  const packet = Buffer.alloc(32)
  packet.writeUInt16BE(source, 0)
  packet.writeUInt16BE(Number(port), 2)
  packet.writeUInt8(1, 12) // INIT
  packet.writeUInt16BE(20, 14)
  packet.writeUInt32BE(0x1234_5678, 16) // initiate tag
  packet.writeUInt32BE(65_536, 20) // window
  packet.writeUInt16BE(1, 24) // streams out
  packet.writeUInt16BE(1, 26) // streams in
  packet.writeUInt32BE(1, 28) // first TSN
  packet.writeUInt32LE(crc32c(packet), 8)
  return packet
}

let source = 20_000 + (process.pid % 20_000)
setInterval(() => {
  const packet = init(++source)
  sendto(fd, packet, packet.length, 0, to, to.length)
}, 100)
