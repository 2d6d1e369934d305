/** Netlink as questions and answers. What waits for the kernel runs on koffi's threads, so that the event loop goes on. Source: netlink(7). */
import { closeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { withNetns } from './netns.ts'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 0o2000003
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SO_RCVBUFFORCE = 33
const RECEIVE_BUFFER = 4 << 20
const TIMEOUT_IN_S = 10n
const HEADER = 16
const ERROR = 2
const DONE = 3

type Done = (error: Error | null, result: bigint | number) => void

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Buffer, size: number): number
  send: { async(fd: number, data: Buffer, size: number, flags: number, done: Done): void }
  recv: { async(fd: number, data: Buffer, size: number, flags: number, done: Done): void }
  errno(): number
}
let libc: Libc | undefined

function load(): Libc {
  if (libc !== undefined) return libc
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load('libc.so.6')
  libc = {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    setsockopt: library.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t size)'),
    send: library.func('int64_t send(int fd, const uint8_t *data, size_t size, int flags)'),
    recv: library.func('int64_t recv(int fd, _Out_ uint8_t *buffer, size_t size, int flags)'),
    errno: () => koffi.errno(),
  } as unknown as Libc
  return libc
}

export interface NetlinkMessage {
  readonly type: number
  readonly body: Buffer
}

export interface NetlinkAnswer {
  readonly messages: readonly NetlinkMessage[]
  /** Of the messages that the kernel refused: the name of the error (`ENOENT`), by sequence number. */
  readonly errors: ReadonlyMap<number, string>
}

export interface NetlinkQuestion {
  /** NETLINK_NETFILTER is 12. */
  readonly protocol: number
  /** Whole messages, of which each is answered by an acknowledgement, an error or the end of a dump. */
  readonly messages: readonly Buffer[]
  /** A namespace file; the process's own by default. */
  readonly netns?: string
}

/**
 * Asks the kernel: all messages in one call, in order; resolves when each was answered.
 * @throws {Error} when there is no socket, or no answer in 10 s
 */
export async function askNetlink({ protocol, messages, netns }: NetlinkQuestion): Promise<NetlinkAnswer> {
  const { socket, setsockopt, errno } = load()
  const open = () => socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol)
  const fd = netns === undefined ? open() : withNetns(netns, open)
  if (fd < 0) throw new Error(`no netlink socket: ${getSystemErrorName(-errno())}`)
  try {
    setsockopt(
      fd,
      SOL_SOCKET,
      SO_RCVBUFFORCE,
      bytes(4, (size) => size.writeInt32LE(RECEIVE_BUFFER)),
      4,
    )
    setsockopt(
      fd,
      SOL_SOCKET,
      SO_RCVTIMEO,
      bytes(16, (time) => time.writeBigInt64LE(TIMEOUT_IN_S)),
      16,
    )
    const whole = Buffer.concat(messages)
    await call('send', fd, whole, whole.length)
    return await collect(fd, new Set(messages.map((message) => message.readUInt32LE(8))))
  } finally {
    closeSync(fd)
  }
}

async function collect(fd: number, open: Set<number>): Promise<NetlinkAnswer> {
  const messages: NetlinkMessage[] = []
  const errors = new Map<number, string>()
  const buffer = Buffer.alloc(1 << 18)
  while (open.size > 0) {
    const length = await call('recv', fd, buffer, buffer.length)
    for (const { type, sequence, body } of split(buffer.subarray(0, length))) {
      if (type !== ERROR && type !== DONE) messages.push({ type, body: Buffer.from(body) })
      else {
        const code = body.length < 4 ? 0 : body.readInt32LE(0)
        if (code < 0) errors.set(sequence, getSystemErrorName(code))
        open.delete(sequence)
      }
    }
  }
  return { messages, errors }
}

function* split(data: Buffer): Generator<NetlinkMessage & { readonly sequence: number }> {
  for (let at = 0; at + HEADER <= data.length; ) {
    const length = data.readUInt32LE(at)
    if (length < HEADER || at + length > data.length) return
    yield { type: data.readUInt16LE(at + 4), sequence: data.readUInt32LE(at + 8), body: data.subarray(at + HEADER, at + length) }
    at += (length + 3) & ~3
  }
}

function call(name: 'send' | 'recv', fd: number, data: Buffer, size: number): Promise<number> {
  return new Promise((resolve, reject) => {
    load()[name].async(fd, data, size, 0, (error, result) => {
      if (error !== null) reject(error)
      else if (Number(result) < 0) reject(new Error(`netlink gave no answer (${name})`))
      else resolve(Number(result))
    })
  })
}

function bytes(size: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(size)
  write(buffer)
  return buffer
}
