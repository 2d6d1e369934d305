/**
 * Servers that speak what servers behind a gateway speak, each at the address `10.5.0.N` and `10.5.1.N`, port 8080, and tell as JSON how they were asked.
 * Prints `ready`. Usage: protocol-servers.ts CERTIFICATE KEY
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { PROTOCOL_SERVERS } from './protocol-asks.ts'
import { readProxyHeader } from './proxy-header.ts'

/** Source: RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const PORT = 8080
const [certificate = '', key = ''] = process.argv.slice(2)
const tls = { cert: readFileSync(certificate), key: readFileSync(key) }
/** Which client a connection is of, as the PROXY protocol says, by the port that it is from. */
const clients = new Map<number, string>()
/** How often a server that dies was asked, by method and path. */
const asked: Record<string, number> = {}

function told(
  socket: Socket | undefined,
  part: { readonly version: string; readonly method: string; readonly forwarded: string },
) {
  return JSON.stringify({ ...part, proxy: clients.get(socket?.remotePort ?? 0) ?? '' })
}

function tell({ httpVersion: version, method = '', headers, socket }: http.IncomingMessage, response: http.ServerResponse): void {
  const forwarded = String(headers['x-forwarded-for'])
  response.setHeader('content-type', 'application/json').end(told(socket, { version, method, forwarded }))
}

/** Gives back what it hears. */
function upgrade({ headers }: http.IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64')
  const head = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${accept}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  socket.on('error', () => undefined).pipe(socket)
}

/** gRPC without its messages' contents: `/echo/Unary` gives the message back, `/echo/Stream` three times, `/echo/Fail` only a status. Source: gRPC over HTTP2. */
function callGrpc(stream: http2.ServerHttp2Stream, path: string): void {
  const head = { ':status': 200, 'content-type': 'application/grpc' }
  if (path === '/echo/Fail') {
    stream.respond({ ...head, 'grpc-status': '5', 'grpc-message': 'nobody' }, { endStream: true })
    return
  }
  stream.respond(head, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }))
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.on('end', () => {
    const message = Buffer.concat(parts)
    for (let left = path === '/echo/Stream' ? 3 : 1; left > 0; left--) stream.write(message)
    stream.end()
  })
}

function listenHttp2<S extends http2.Http2Server>(server: S): S {
  return server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    const { ':protocol': upper, ':method': method = '', ':path': path = '', 'x-forwarded-for': forwarded = '' } = headers
    if (upper === 'websocket') {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    } else if (headers['content-type'] === 'application/grpc') callGrpc(stream, path)
    else {
      stream.respond({ ':status': 200, 'content-type': 'application/json' })
      stream.resume().end(told(stream.session?.socket, { version: '2.0', method, forwarded: String(forwarded) }))
    }
  })
}

/** Takes nobody who does not say first, by the PROXY protocol, who is there. */
function behindHeader(version: 'v1' | 'v2', inner: net.Server): net.Server {
  return net.createServer(async (socket) => {
    socket.on('error', () => undefined)
    const header = await readProxyHeader(socket)
    if (header === undefined || header.version !== version) {
      socket.destroy()
      return
    }
    clients.set(socket.remotePort ?? 0, `${header.version} ${header.address}`)
    inner.emit('connection', socket)
    socket.resume()
  })
}

/** `/empty` ends before any answer, `/half` amid one; else it tells how often it was asked. */
function die(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.once('data', (data: Buffer) => {
    const [method = '', path = ''] = data.toString().split(' ')
    const name = `${method} ${path}`
    asked[name] = (asked[name] ?? 0) + 1
    const body = JSON.stringify(asked)
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n'
    if (path === '/half') socket.write(`${head}Content-Length: 1000\r\n\r\nhalf`, () => socket.destroy())
    else if (path === '/empty') socket.destroy()
    else socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
  })
}

const plain = () => http.createServer(tell).on('upgrade', upgrade)
const overTls = () => https.createServer(tls, tell).on('upgrade', upgrade)
const overHttp2 = () => listenHttp2(http2.createServer({ settings: { enableConnectProtocol: true } }))

const SERVERS: Readonly<Record<(typeof PROTOCOL_SERVERS)[number], () => net.Server>> = {
  http: plain,
  https: overTls,
  h2c: overHttp2,
  h2: () => listenHttp2(http2.createSecureServer({ ...tls, settings: { enableConnectProtocol: true } })),
  proxy1: () => behindHeader('v1', plain()),
  proxy2: () => behindHeader('v2', overHttp2()),
  'proxy-tls': () => behindHeader('v2', overTls()),
  dying: () => net.createServer(die),
}

for (const [index, name] of PROTOCOL_SERVERS.entries())
  for (const network of [0, 1]) await once(SERVERS[name]().listen(PORT, `10.5.${network}.${index + 1}`), 'listening')
process.stdout.write('ready\n')
