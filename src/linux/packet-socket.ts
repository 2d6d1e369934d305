/** Whole Ethernet frames: sent at once, and those of ARP and neighbour discovery heard by a thread that waits for them. Source: packet(7). */
import { closeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { NeighbourClaim } from './neighbour-frames.ts'
import { withNetns } from './netns.ts'
import { programUrl } from './program.ts'

const AF_PACKET = 17
const SOCK_RAW_CLOEXEC_NONBLOCK = 0o2004003

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  sendto(fd: number, data: Buffer, size: number, flags: number, address: Buffer, addressSize: number): number | bigint
  errno(): number
}
let libc: Libc | undefined

function load(): Libc {
  if (libc !== undefined) return libc
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load('libc.so.6')
  libc = {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    sendto: library.func(
      'int64_t sendto(int fd, const uint8_t *data, size_t size, int flags, const uint8_t *address, uint32_t addressSize)',
    ),
    errno: () => koffi.errno(),
  } as unknown as Libc
  return libc
}

/** Sends frames by any interface of one namespace; it hears nothing. */
export class PacketSender {
  private readonly fd: number

  /** `netns` is a namespace file; the process's own by default. @throws {Error} without the right to (CAP_NET_RAW) */
  constructor(netns?: string) {
    const open = () => load().socket(AF_PACKET, SOCK_RAW_CLOEXEC_NONBLOCK, 0)
    this.fd = netns === undefined ? open() : withNetns(netns, open)
    if (this.fd < 0) throw new Error(`no packet socket: ${getSystemErrorName(-load().errno())}`)
  }

  /** Sends one frame. Returns the name of the error when it could not (`ENETDOWN`, `ENXIO`, `ENOBUFS`). */
  send(interfaceIndex: number, frame: Buffer): string | undefined {
    const address = Buffer.alloc(20)
    address.writeUInt16LE(AF_PACKET, 0)
    address.writeInt32LE(interfaceIndex, 4)
    const sent = Number(load().sendto(this.fd, frame, frame.length, 0, address, address.length))
    return sent < 0 ? getSystemErrorName(-load().errno()) : undefined
  }

  close(): void {
    closeSync(this.fd)
  }
}

/** `interfaceIndex` is the interface that heard it. */
export interface HeardClaim extends NeighbourClaim {
  readonly interfaceIndex: number
}

export interface ClaimListener {
  close(): Promise<void>
}

/**
 * Hears who says on any interface of the namespace that an address is theirs, by ARP or neighbour discovery; before any firewall.
 * Resolves once nothing later can be missed. @throws {Error} without the right to (CAP_NET_RAW)
 */
export async function listenToClaims(
  onHeard: (claims: readonly HeardClaim[]) => void,
  netns: string | undefined,
): Promise<ClaimListener> {
  const worker = new Worker(programUrl('./packet-worker.ts', import.meta.url), { workerData: { netns } })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  worker.removeAllListeners('error') // from here on an error of the thread ends the process: it must not go on deaf
  worker.on('message', (posted: 'ready' | readonly HeardClaim[]) => {
    if (posted !== 'ready') onHeard(posted)
  })
  worker.unref()
  return {
    async close() {
      await worker.terminate()
    },
  }
}
