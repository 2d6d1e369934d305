/** Asks a gateway in ways that curl has not: one JSON of an `Ask` a line in, one of an `Answer` a line out, in their order. */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import tls from 'node:tls'
import type { Answer, Ask } from './protocol-asks.ts'

const TIMEOUT_IN_MS = 5_000
const WS = { 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }
const NOTHING: Answer = { status: 0, headers: {}, body: '', trailers: {}, error: '' }

async function overHttp2({ host, path = '/', isTls = false, method = 'GET', headers = {}, body = '' }: Ask): Promise<Answer> {
  const options = { servername: host, rejectUnauthorized: false }
  const session = http2.connect(`${isTls ? 'https' : 'http'}://127.0.0.1`, options)
  const answer = { ...NOTHING }
  try {
    session.on('error', (error) => Object.assign(answer, { error: error.message }))
    if (headers[':protocol'] !== undefined && !session.remoteSettings?.enableConnectProtocol)
      await once(session, 'remoteSettings')
    const stream = session.request({ ':authority': host, ':path': path, ':method': method, ...headers }, { endStream: false })
    const isTunnel = method === 'CONNECT'
    stream.on('response', (got) => {
      Object.assign(answer, { status: got[':status'], headers: got })
      if (isTunnel) stream.write(body)
    })
    stream.on('trailers', (got) => Object.assign(answer, { trailers: got }))
    stream.on('error', (error) => Object.assign(answer, { error: error.message }))
    stream.on('data', (part: Buffer) => {
      answer.body += part.toString()
      if (isTunnel && answer.body.length >= body.length) stream.end()
    })
    if (!isTunnel) stream.end(body)
    await new Promise((resolve) => stream.once('close', resolve))
  } finally {
    session.destroy()
  }
  return answer
}

/** What comes back of bytes until the other side ends, or until as many came as `body` has. */
async function overTcp({ host, isTls = false, before = '', body = '', upTo = 0 }: Ask): Promise<Answer> {
  const answer = { ...NOTHING }
  const socket = net.connect(isTls ? 443 : 80, '127.0.0.1')
  await new Promise<void>((resolve) => {
    socket.on('error', (error) => Object.assign(answer, { error: error.message })).on('close', () => resolve())
    if (before !== '') socket.write(Buffer.from(before, 'hex'))
    const upper = isTls ? tls.connect({ socket, servername: host, rejectUnauthorized: false }) : socket
    upper.on('error', (error) => Object.assign(answer, { error: error.message }))
    upper.on('data', (part: Buffer) => {
      answer.body += part.toString()
      if (upTo > 0 && answer.body.length >= upTo) socket.destroy()
    })
    upper.write(body)
  })
  answer.status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer.body)?.[1] ?? 0)
  return answer
}

/** Says something over a WebSocket of HTTP/1.1, and what comes back. */
function overWebSocket({ host, body = '' }: Ask): Promise<Answer> {
  return new Promise((resolve) => {
    const headers = { host, connection: 'Upgrade', upgrade: 'websocket', ...WS }
    const request = http.request({ host: '127.0.0.1', path: '/', headers }).end()
    request.on('response', ({ statusCode = 0 }) => resolve({ ...NOTHING, status: statusCode }))
    request.on('error', ({ message }) => resolve({ ...NOTHING, error: message }))
    request.on('upgrade', (_response, socket) => {
      let heard = ''
      socket.on('data', (part: Buffer) => {
        heard += part.toString()
        if (heard.length < body.length) return
        socket.destroy()
        resolve({ ...NOTHING, status: 101, body: heard })
      })
      socket.write(body)
    })
  })
}

/** How many of so many requests, ten at a time, were answered how: `{"200":N}`. */
async function many({ host, path = '/', count = 1 }: Ask): Promise<Answer> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 10 })
  const statuses = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const request = http.get({ host: '127.0.0.1', path: `${path}?${index}`, headers: { host }, agent })
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      await response.resume().toArray()
      return response.statusCode ?? 0
    }),
  )
  agent.destroy()
  const counts: Record<string, number> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return { ...NOTHING, body: JSON.stringify(counts) }
}

const WAYS = { http2: overHttp2, tcp: overTcp, websocket: overWebSocket, many }

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line) as Ask
  const late = setTimeout(TIMEOUT_IN_MS, { ...NOTHING, error: 'no answer' }, { ref: false })
  const answer = await Promise.race([WAYS[ask.way](ask), late]).catch(
    (error: Error): Answer => ({ ...NOTHING, error: error.message }),
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
