/**
 * The echo server of the image `fairway/echo`: HTTP and UDP on PORT (8080), TCP lines on the port after it, in both families.
 *
 * HTTP: any path answers JSON; `?delay=MS&status=N` as asked; `/bytes?count=N&rate=BYTES_PER_SECOND` streams a download whose
 *       SHA-256 is in the header `x-checksum-sha256` (counts up to 256 MiB).
 * TCP:  each line is answered by one line of JSON. UDP: each datagram by one.
 * Ends: at once on SIGTERM, or after DRAIN_MS milliseconds in which it goes on serving.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { byteWish, downloadChecksum, downloadChunk, type EchoIdentity, echoIdentity, echoWish, peerOf } from './echo-answer.ts'

const MAX_BODY = 65536
const CHECKSUM_AHEAD = 256 * 1024 * 1024

interface EchoPorts {
  readonly http: readonly number[]
  readonly tcp: readonly number[]
  readonly udp: readonly number[]
}

/** Ports from `--http 80,81 --tcp 9000 --udp 53`, or from PORT. @throws {Error} on an unknown flag or a bad port */
export function echoPorts(args: readonly string[], env: Readonly<Record<string, string | undefined>>): EchoPorts {
  const base = parsePorts(env.PORT ?? '8080')
  const ports = { http: base, udp: base, tcp: base.map((port) => port + 1) }
  const chosen: Partial<Record<keyof EchoPorts, readonly number[]>> = {}
  for (let index = 0; index < args.length; index += 2) {
    const flag = args[index]?.replace(/^--/, '') ?? ''
    if (flag !== 'http' && flag !== 'tcp' && flag !== 'udp')
      throw new Error(`echo: the flag ${args[index]} is not known; known are --http, --tcp, --udp`)
    chosen[flag] = parsePorts(args[index + 1] ?? '')
  }
  return Object.keys(chosen).length === 0 ? ports : { http: [], tcp: [], udp: [], ...chosen }
}

function parsePorts(text: string): readonly number[] {
  return text.split(',').map((each) => {
    const port = /^\d+$/.test(each) ? Number(each) : 0
    if (port < 1 || port > 65535) throw new Error(`echo: "${each}" is not a port number`)
    return port
  })
}

export async function main(args: readonly string[]): Promise<void> {
  const ports = echoPorts(args, process.env)
  const identity = echoIdentity(process.env, hostname())
  endOnSignal()
  const listening: Promise<unknown>[] = []
  for (const port of ports.http) listening.push(once(serveHttp(identity).listen(port, '::'), 'listening'))
  for (const port of ports.tcp) listening.push(once(serveLines(identity).listen(port, '::'), 'listening'))
  for (const port of ports.udp) listening.push(serveDatagrams(identity, port))
  await Promise.all(listening)
  process.stdout.write(`listening: http ${ports.http.join(',')} tcp ${ports.tcp.join(',')} udp ${ports.udp.join(',')}\n`)
}

function endOnSignal(): void {
  const drainInMs = Number(process.env.DRAIN_MS ?? 0)
  const end = () => {
    if (drainInMs > 0) setTimeout(() => process.exit(0), drainInMs)
    else process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

function serveHttp(identity: EchoIdentity) {
  return createHttpServer((request, response) => {
    answerHttp(identity, request, response).catch(() => response.destroy())
  })
}

async function answerHttp(identity: EchoIdentity, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://echo')
  const { delayInMs, status } = echoWish(url.searchParams)
  const body = await readBody(request)
  if (delayInMs > 0) await wait(delayInMs)
  const { socket } = request
  process.stdout.write(`${socket.remoteAddress} "${request.method} ${request.url}" ${status}\n`)
  if (url.pathname === '/bytes') return sendBytes(response, url.searchParams, status)
  const answer = {
    ...identity,
    client: peerOf(socket.remoteAddress, socket.remotePort),
    local: peerOf(socket.localAddress, socket.localPort),
    protocol: `HTTP/${request.httpVersion}`,
    method: request.method,
    path: request.url,
    headers: request.headers,
    body,
  }
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(answer)}\n`)
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = chunk as Buffer
    if (size < MAX_BODY) chunks.push(bytes.subarray(0, MAX_BODY - size))
    size += bytes.length
  }
  return Buffer.concat(chunks).toString()
}

async function sendBytes(response: ServerResponse, query: URLSearchParams, status: number): Promise<void> {
  const { count, bytesPerSecond } = byteWish(query)
  const ahead = count <= CHECKSUM_AHEAD ? { 'x-checksum-sha256': downloadChecksum(count) } : {}
  response.writeHead(status, { 'content-type': 'application/octet-stream', 'content-length': count, ...ahead })
  const startedAtInMs = performance.now()
  const slice = bytesPerSecond === 0 ? 65536 : Math.max(1, Math.min(65536, Math.floor(bytesPerSecond / 20)))
  for (let offset = 0; offset < count && !response.destroyed; ) {
    const chunk = downloadChunk(offset, Math.min(slice, count - offset))
    if (!response.write(chunk)) await once(response, 'drain')
    offset += chunk.length
    const dueInMs = bytesPerSecond === 0 ? 0 : (offset / bytesPerSecond) * 1000 - (performance.now() - startedAtInMs)
    if (dueInMs > 1) await wait(dueInMs)
  }
  response.end()
}

function serveLines(identity: EchoIdentity) {
  return createTcpServer((socket: Socket) => {
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = (lines.pop() ?? '').slice(0, MAX_BODY)
      for (const line of lines) {
        const client = peerOf(socket.remoteAddress, socket.remotePort)
        const local = peerOf(socket.localAddress, socket.localPort)
        socket.write(`${JSON.stringify({ ...identity, client, local, protocol: 'TCP', line: line.replace(/\r$/, '') })}\n`)
      }
    })
  })
}

async function serveDatagrams(identity: EchoIdentity, port: number): Promise<void> {
  // One socket a family: an answer must leave from the family, and with the address, that it came in by.
  const sockets = [createSocket({ type: 'udp4' }), createSocket({ type: 'udp6', ipv6Only: true })]
  await Promise.all(
    sockets.map(async (socket) => {
      socket.on('message', (message, from) => {
        const local = { address: socket.address().address, port: socket.address().port }
        const answer = {
          ...identity,
          client: peerOf(from.address, from.port),
          local,
          protocol: 'UDP',
          datagram: message.toString().slice(0, 1024),
        }
        socket.send(`${JSON.stringify(answer)}\n`, from.port, from.address, () => undefined)
      })
      socket.bind(port)
      await once(socket, 'listening')
    }),
  )
}
