/** Network namespaces: named as `ip netns` names them, entered by `nsenter --net=` (which, unlike `ip netns exec`, leaves /sys alone). */
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'
import ipaddr from 'ipaddr.js'
import { type RunOptions, run } from './run.ts'

const NETNS_DIR = '/run/netns'
const CLONE_NEWNET = 0x40000000

/** The file that a namespace is bound to; /proc/1/ns/net for the machine's own. */
export function netnsPath(name: string): string {
  return `${NETNS_DIR}/${name}`
}

/** Prefixes a command so that it runs in the named namespace, with the caller's files and processes. */
export function inNetns(name: string, command: readonly string[]): readonly string[] {
  return ['nsenter', `--net=${netnsPath(name)}`, '--', ...command]
}

/**
 * Runs `ip -batch` lines in one namespace, in one process: either all lines worked, or the error names the one that did not.
 * @throws {FairwayError}
 */
export async function ipBatch(name: string, lines: readonly string[], options: RunOptions = {}): Promise<void> {
  if (lines.length === 0) return
  await run(inNetns(name, ['ip', '-batch', '-']), { ...options, input: `${lines.join('\n')}\n` })
}

interface Libc {
  setns(fd: number, kind: number): number
  socket(family: number, kind: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number
  bind(fd: number, address: Buffer, length: number): number
  listen(fd: number, backlog: number): number
  connect: { async(fd: number, address: Buffer, length: number, done: (error: unknown, result: number) => void): void }
  errno(): number
}
let libc: Libc | undefined

function loadLibc(): Libc {
  if (libc !== undefined) return libc
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load('libc.so.6')
  const functions = {
    setns: library.func('int setns(int fd, int nstype)'),
    socket: library.func('int socket(int domain, int type, int protocol)'),
    setsockopt: library.func('int setsockopt(int fd, int level, int name, const void *value, unsigned int length)'),
    bind: library.func('int bind(int fd, const void *address, unsigned int length)'),
    listen: library.func('int listen(int fd, int backlog)'),
    connect: library.func('int connect(int fd, const void *address, unsigned int length)'),
    errno: () => koffi.errno(),
  }
  libc = functions as unknown as Libc
  return libc
}

/**
 * Calls `action` with the main thread inside another namespace, and comes back. Sockets that it opens stay there.
 *
 * `action` must be synchronous: what runs later runs at home. `path` is a namespace file (`netnsPath`, /proc/PID/ns/net).
 * @throws {Error} when the namespace cannot be entered; failing to come home ends the process, as nothing may go on abroad
 */
export function withNetns<T>(path: string, action: () => T): T {
  const { setns: enter } = loadLibc()
  const home = openSync('/proc/thread-self/ns/net', 'r')
  const abroad = openSync(path, 'r')
  try {
    if (enter(abroad, CLONE_NEWNET) !== 0) throw new Error(`cannot enter the network namespace ${path}`)
    try {
      return action()
    } finally {
      if (enter(home, CLONE_NEWNET) !== 0) process.abort()
    }
  } finally {
    closeSync(abroad)
    closeSync(home)
  }
}

const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM_CLOEXEC = 0o2000001
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const BACKLOG = 511
const SO_SNDTIMEO = 21
const CONNECT_TIMEOUT_IN_S = 5

/**
 * Makes a listening TCP socket in another namespace and returns its descriptor, for `server.listen({ fd })`. Node's own
 * `listen({ host })` resolves even an address literal later, when the thread is home again.
 *
 * @throws {NodeJS.ErrnoException} with `code` EADDRINUSE, EADDRNOTAVAIL, ...; {Error} when the namespace cannot be entered
 */
export function listenInNetns(path: string, address: string, port: number): number {
  const { socket, setsockopt, bind, listen, errno } = loadLibc()
  const fail = (call: string): never => {
    const code = getSystemErrorName(-errno())
    throw Object.assign(new Error(`${call} ${address} port ${port}: ${code}`), { code, syscall: call })
  }
  return withNetns(path, () => {
    const name = socketAddress(address, port)
    const yes = Buffer.from([1, 0, 0, 0])
    const fd = socket(name.readUInt16LE(0), SOCK_STREAM_CLOEXEC, 0)
    if (fd < 0) fail('socket')
    try {
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, yes, yes.length)
      if (address.includes(':')) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, yes, yes.length)
      if (bind(fd, name, name.length) < 0) fail('bind')
      if (listen(fd, BACKLOG) < 0) fail('listen')
      return fd
    } catch (error) {
      closeSync(fd)
      throw error
    }
  })
}

/**
 * Opens a TCP connection from inside another namespace; only the making of the socket is done there, so nothing waits abroad.
 * @throws {Error} when nobody listens there, or does not answer within 5 s
 */
export async function connectInNetns(path: string, address: string, port: number): Promise<Socket> {
  const { socket, setsockopt, connect } = loadLibc()
  const name = socketAddress(address, port)
  const fd = withNetns(path, () => socket(name.readUInt16LE(0), SOCK_STREAM_CLOEXEC, 0))
  if (fd < 0) throw new Error(`no socket can be opened: ${address} port ${port}`)
  const limit = Buffer.alloc(16)
  limit.writeBigInt64LE(BigInt(CONNECT_TIMEOUT_IN_S), 0)
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, limit, limit.length)
  const beganAtInMs = performance.now()
  const result = await new Promise<number>((resolve) => connect.async(fd, name, name.length, (_error, code) => resolve(code)))
  if (result === 0) return new Socket({ fd, allowHalfOpen: true })
  closeSync(fd)
  const late = performance.now() - beganAtInMs > CONNECT_TIMEOUT_IN_S * 900
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  throw new Error(`dial tcp ${place}: ${late ? 'i/o timeout' : 'connect: connection refused'}`)
}

/** A `sockaddr_in` or `sockaddr_in6`. */
function socketAddress(address: string, port: number): Buffer {
  const octets = ipaddr.parse(address).toByteArray()
  const ipv6 = octets.length === 16
  const name = Buffer.alloc(ipv6 ? 28 : 16)
  name.writeUInt16LE(ipv6 ? AF_INET6 : AF_INET, 0)
  name.writeUInt16BE(port, 2)
  name.set(octets, ipv6 ? 8 : 4)
  return name
}
