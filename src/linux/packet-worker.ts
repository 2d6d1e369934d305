/** The thread of packet-socket.ts: two packet sockets, one of ARP and one of neighbour discovery. Posts `ready`, then `HeardClaim[]`, one a wakeup. */
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { macText } from './link-messages.ts'
import { ETHERTYPE, parseClaim } from './neighbour-frames.ts'
import type { HeardClaim } from './packet-socket.ts'

const AF_PACKET = 17
const SOCK_DGRAM = 2
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SO_RCVBUFFORCE = 33
/** Thousands of addresses may move at once; the usual buffer has room for two or three hundred claims. */
const RECEIVE_BUFFER = 8 << 20
const MSG_DONTWAIT = 0x40
const POLLIN = 1
const WAIT_IN_MS = 200 // terminate() takes effect between two calls only
const ADDRESS_BYTES = 20

/**
 * Of IPv6, lets through neighbour solicitations and advertisements: else the thread would wake at every packet of the node.
 * Each instruction is: code, jump if true, jump if false, operand. Source: linux/filter.h (classic BPF).
 */
const DISCOVERY_ONLY: readonly Instruction[] = [
  { code: 0x30, jt: 0, jf: 0, k: 6 }, // load the next header
  { code: 0x15, jt: 0, jf: 4, k: 58 }, // ICMPv6, or none of ours
  { code: 0x30, jt: 0, jf: 0, k: 40 }, // load its type
  { code: 0x35, jt: 0, jf: 2, k: 135 },
  { code: 0x25, jt: 1, jf: 0, k: 136 },
  { code: 0x06, jt: 0, jf: 0, k: 0xffff },
  { code: 0x06, jt: 0, jf: 0, k: 0 },
]

interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const libc = koffi.load('libc.so.6')
koffi.struct('sock_filter', { code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' })
koffi.struct('sock_fprog', { len: 'uint16_t', filter: 'sock_filter *' })
const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const uint8_t *address, uint32_t size)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t size)')
const attach = libc.func('setsockopt', 'int', ['int', 'int', 'int', 'sock_fprog *', 'uint32_t'])
const poll = libc.func('int poll(_Inout_ uint8_t *sockets, uint64_t count, int timeout)')
const recvfrom = libc.func(
  'int64_t recvfrom(int fd, _Out_ uint8_t *data, size_t size, int flags, _Out_ uint8_t *address, _Inout_ uint32_t *addressSize)',
)
const setns = libc.func('int setns(int fd, int kind)')

const { netns } = workerData as { readonly netns?: string }
if (netns !== undefined) {
  const file = openSync(netns, 'r') // a namespace belongs to a thread, and this one has no other use
  if (setns(file, 0) !== 0) throw new Error(`cannot enter the network namespace ${netns}`)
  closeSync(file)
}

const sockets = [open(ETHERTYPE.ipv4, undefined), open(ETHERTYPE.ipv6, DISCOVERY_ONLY)]
parentPort?.postMessage('ready')

const waiting = Buffer.alloc(8 * sockets.length)
const data = Buffer.alloc(2048)
const from = Buffer.alloc(ADDRESS_BYTES)
const fromSize = Buffer.alloc(4)
for (;;) {
  for (const [turn, fd] of sockets.entries()) {
    waiting.writeInt32LE(fd, turn * 8)
    waiting.writeUInt32LE(POLLIN, turn * 8 + 4)
  }
  if ((poll(waiting, sockets.length, WAIT_IN_MS) as number) <= 0) continue
  const heard = sockets.flatMap(receive)
  if (heard.length > 0) parentPort?.postMessage(heard)
}

/** A socket that hears nothing before its filter is there. */
function open(etherType: number, filter: readonly Instruction[] | undefined): number {
  const fd = socket(AF_PACKET, SOCK_DGRAM, 0) as number
  if (filter !== undefined) attach(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len: filter.length, filter }, 16)
  const size = Buffer.alloc(4)
  size.writeInt32LE(RECEIVE_BUFFER)
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) // without the right to, it makes do with the usual one
  const address = Buffer.alloc(ADDRESS_BYTES)
  address.writeUInt16LE(AF_PACKET, 0)
  address.writeUInt16BE(etherType, 2)
  if (fd < 0 || bind(fd, address, address.length) !== 0) throw new Error('cannot listen to ARP and neighbour discovery')
  return fd
}

/** All that waits in one socket. */
function receive(fd: number): readonly HeardClaim[] {
  const heard: HeardClaim[] = []
  for (;;) {
    fromSize.writeUInt32LE(ADDRESS_BYTES)
    const length = Number(recvfrom(fd, data, data.length, MSG_DONTWAIT, from, fromSize))
    if (length < 0) return heard
    const claim = parseClaim(data.subarray(0, length), macText(from.subarray(12, 18)))
    if (claim !== undefined) heard.push({ ...claim, interfaceIndex: from.readInt32LE(4) })
  }
}
