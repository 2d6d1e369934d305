/** The thread of netlink-nftables.ts: a blocking netlink socket in the group of nftables' changes. Posts `ready`, then transactions. */
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { parseMessages } from './netlink-messages.ts'

const AF_NETLINK = 16
const SOCK_RAW = 3
const NETLINK_NETFILTER = 12
const GROUP_NFTABLES = 7
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
const SO_RCVTIMEO = 20
const RECEIVE_BUFFER = 8 << 20
const ENOBUFS = 105

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const uint8_t *addr, uint32_t size)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t size)')
const recv = libc.func('int64_t recv(int fd, _Out_ uint8_t *buffer, size_t size, int flags)')
const setns = libc.func('int setns(int fd, int kind)')

const { netns } = workerData as { netns?: string }
if (netns !== undefined) {
  const file = openSync(netns, 'r') // a namespace belongs to a thread, and this one has no other use
  if (setns(file, 0) !== 0) throw new Error(`cannot enter the network namespace ${netns}`)
  closeSync(file)
}

const fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) as number
const address = Buffer.alloc(12)
address.writeUInt16LE(AF_NETLINK, 0)
address.writeUInt32LE(1 << (GROUP_NFTABLES - 1), 8)
const size = Buffer.alloc(4)
size.writeInt32LE(RECEIVE_BUFFER)
setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4)
const timeout = Buffer.alloc(16)
timeout.writeBigInt64LE(0n, 0)
timeout.writeBigInt64LE(200_000n, 8) // terminate() takes effect between two calls only
setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, 16)
if (fd < 0 || bind(fd, address, 12) !== 0) throw new Error('cannot listen to nftables')
parentPort?.postMessage('ready')

const buffer = Buffer.alloc(1 << 20)
let touched = new Set<string>()
for (;;) {
  const length = Number(recv(fd, buffer, buffer.length, 0))
  if (length < 0) {
    if (koffi.errno() === ENOBUFS) parentPort?.postMessage({ portId: 0, tables: [], lost: true })
    continue
  }
  for (const message of parseMessages(buffer.subarray(0, length))) {
    if (message.table !== '') touched.add(message.table)
    if (message.portId === undefined) continue
    parentPort?.postMessage({ portId: message.portId, tables: [...touched], lost: false })
    touched = new Set()
  }
}
