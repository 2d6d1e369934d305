/** The thread of netlink-listener.ts: a blocking netlink socket in one group. Posts `ready`, then what it heard, as `NetlinkHeard`. */
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { parseLinkChanges } from './link-messages.ts'
import { parseMessages, parseNewRoutes } from './netlink-messages.ts'
import { parseTableRoutes } from './route-messages.ts'

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
const SO_RCVTIMEO = 20
const RECEIVE_BUFFER = 8 << 20
const ENOBUFS = 105

/** NETLINK_NETFILTER with NFNLGRP_NFTABLES; NETLINK_ROUTE with RTNLGRP_IPV4_ROUTE, with that and RTNLGRP_IPV6_ROUTE, or with RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR. */
const SUBJECTS = {
  nftables: { protocol: 12, groups: [7], reader: transactions },
  routes: { protocol: 0, groups: [7], reader: routes },
  links: { protocol: 0, groups: [1, 5, 9], reader: links },
  table: { protocol: 0, groups: [7, 11], reader: tableRoutes },
} as const

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const uint8_t *addr, uint32_t size)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t size)')
const recv = libc.func('int64_t recv(int fd, _Out_ uint8_t *buffer, size_t size, int flags)')
const setns = libc.func('int setns(int fd, int kind)')

const { netns, subject, table } = workerData as { netns?: string; subject: keyof typeof SUBJECTS; table: number }
if (netns !== undefined) {
  const file = openSync(netns, 'r') // a namespace belongs to a thread, and this one has no other use
  if (setns(file, 0) !== 0) throw new Error(`cannot enter the network namespace ${netns}`)
  closeSync(file)
}

const { protocol, groups, reader } = SUBJECTS[subject]
const fd = socket(AF_NETLINK, SOCK_RAW, protocol) as number
const address = Buffer.alloc(12)
address.writeUInt16LE(AF_NETLINK, 0)
address.writeUInt32LE(
  groups.reduce((mask, group) => mask | (1 << (group - 1)), 0),
  8,
)
const size = Buffer.alloc(4)
size.writeInt32LE(RECEIVE_BUFFER)
setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4)
const timeout = Buffer.alloc(16)
timeout.writeBigInt64LE(0n, 0)
timeout.writeBigInt64LE(200_000n, 8) // terminate() takes effect between two calls only
setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, 16)
if (fd < 0 || bind(fd, address, 12) !== 0) throw new Error(`cannot listen to ${subject}`)
parentPort?.postMessage('ready')

const buffer = Buffer.alloc(1 << 20)
const read = reader()
for (;;) {
  const length = Number(recv(fd, buffer, buffer.length, 0))
  if (length >= 0) read(buffer.subarray(0, length))
  else if (koffi.errno() === ENOBUFS) parentPort?.postMessage({ lost: true })
}

/** Posts one message a transaction, however many datagrams it takes. */
function transactions(): (data: Buffer) => void {
  let touched = new Set<string>()
  return (data) => {
    for (const { table, portId } of parseMessages(data)) {
      if (table !== '') touched.add(table)
      if (portId === undefined) continue
      parentPort?.postMessage({ heard: { portId, tables: [...touched] } })
      touched = new Set()
    }
  }
}

function routes(): (data: Buffer) => void {
  return (data) => {
    const heard = parseNewRoutes(data)
    if (heard.length > 0) parentPort?.postMessage({ heard })
  }
}

function links(): (data: Buffer) => void {
  return (data) => {
    const heard = parseLinkChanges(data)
    if (heard.length > 0) parentPort?.postMessage({ heard })
  }
}

function tableRoutes(): (data: Buffer) => void {
  return (data) => {
    const heard = parseTableRoutes(data, table)
    if (heard.length > 0) parentPort?.postMessage({ heard })
  }
}
