/** What the echo server says: who was asked, who asked, and what. */
import { createHash, type Hash } from 'node:crypto'

export interface Peer {
  readonly address: string
  readonly port: number
}

/** Where the server runs, from the environment that the pod gives it (downward API), with the hostname as the pod's name. */
export interface EchoIdentity {
  readonly pod: string
  readonly namespace: string
  readonly node: string
}

export function echoIdentity(env: Readonly<Record<string, string | undefined>>, hostname: string): EchoIdentity {
  return { pod: env.POD_NAME ?? hostname, namespace: env.POD_NAMESPACE ?? '', node: env.NODE_NAME ?? '' }
}

/** A socket's end as people write it: an IPv4 address that came in over a dual-stack socket loses its `::ffff:`. */
export function peerOf(address: string | undefined, port: number | undefined): Peer {
  return { address: (address ?? '').replace(/^::ffff:(?=\d+\.)/, ''), port: port ?? 0 }
}

/** What a request asks of the server beside an echo. */
export interface EchoWish {
  readonly delayInMs: number
  readonly status: number
}

/** Reads `delay` (ms, at most 10 minutes) and `status` (200-599) from a query; what cannot be read counts as absent. */
export function echoWish(query: URLSearchParams): EchoWish {
  const delay = wholeNumber(query.get('delay'), 0, 600_000)
  return { delayInMs: delay ?? 0, status: wholeNumber(query.get('status'), 200, 599) ?? 200 }
}

/** A download of `count` bytes (at most 1 TiB) at `bytesPerSecond`, 0 for as fast as it goes. */
export interface ByteWish {
  readonly count: number
  readonly bytesPerSecond: number
}

export function byteWish(query: URLSearchParams): ByteWish {
  return {
    count: wholeNumber(query.get('count'), 0, 2 ** 40) ?? 1024,
    bytesPerSecond: wholeNumber(query.get('rate'), 1, 2 ** 40) ?? 0,
  }
}

function wholeNumber(text: string | null, least: number, most: number): number | undefined {
  const value = text === null || !/^\d+$/.test(text) ? Number.NaN : Number(text)
  return value >= least && value <= most ? value : undefined
}

const PATTERN = Buffer.from(Array.from({ length: 65536 + 251 }, (_, index) => index % 251))

/** The bytes of every download from `offset` on, at most 64 KiB: byte i is i modulo 251, so that loss and repetition show. */
export function downloadChunk(offset: number, length: number): Buffer {
  const start = offset % 251
  return PATTERN.subarray(start, start + Math.min(length, 65536))
}

/** SHA-256 in hex of a download of `count` bytes. */
export function downloadChecksum(count: number): string {
  let hash: Hash = createHash('sha256')
  for (let offset = 0; offset < count; offset += 65536) hash = hash.update(downloadChunk(offset, count - offset))
  return hash.digest('hex')
}
