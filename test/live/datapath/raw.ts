/**
 * Packets by hand: `send FAMILY HEX...` sends whole IP packets as they are; `capture` prints each IP packet that an interface sees,
 * in or out, as a line of hex, after a first line `ready`.
 */
import { writeSync } from 'node:fs'
import koffi from 'koffi'

const AF_INET = 2
const AF_INET6 = 10
const AF_PACKET = 17
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const IPPROTO_RAW = 255
const ETH_P_ALL = 3

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const sendto = libc.func('int64_t sendto(int fd, const void *data, size_t size, int flags, const void *to, unsigned int length)')
const recv = libc.func('int64_t recv(int fd, _Out_ uint8_t *buffer, size_t size, int flags)')

const [mode, family, ...packets] = process.argv.slice(2)
if (mode === 'send') for (const hex of packets) send(Buffer.from(hex, 'hex'))
else capture()

/** The kernel takes the destination from here, and all else from the packet. */
function destination(packet: Buffer): Buffer {
  const name = Buffer.alloc(family === 'ipv4' ? 16 : 28)
  name.writeUInt16LE(family === 'ipv4' ? AF_INET : AF_INET6)
  if (family === 'ipv4') packet.copy(name, 4, 16, 20)
  else packet.copy(name, 8, 24, 40)
  return name
}

function send(packet: Buffer): void {
  const fd = socket(family === 'ipv4' ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW)
  const to = destination(packet)
  const sent = Number(sendto(fd, packet, packet.length, 0, to, to.length))
  if (sent !== packet.length) throw new Error(`sent ${sent} of ${packet.length} bytes: errno ${koffi.errno()}`)
}

function capture(): never {
  const fd = socket(AF_PACKET, SOCK_DGRAM, ((ETH_P_ALL & 0xff) << 8) | (ETH_P_ALL >> 8))
  if (fd < 0) throw new Error(`no packet socket: errno ${koffi.errno()}`)
  writeSync(1, 'ready\n')
  const buffer = Buffer.alloc(65_536)
  for (;;) {
    const length = Number(recv(fd, buffer, buffer.length, 0))
    if (length > 0) writeSync(1, `${buffer.subarray(0, length).toString('hex')}\n`)
  }
}
