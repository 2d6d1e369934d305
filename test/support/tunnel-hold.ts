/**
 * Holds one upgraded connection through a gateway, and says something over it again and again, until standard input ends. Then prints
 * `{"said":N,"heard":N,"end":"..."}`; `end` is '' while the connection is there.
 * Usage: tunnel-hold.ts ADDRESS PORT HOST, or tunnel-hold.ts serve ADDRESS PORT, which gives back what it hears.
 */
import { createHash } from 'node:crypto'
import { createServer, request } from 'node:http'
import type { Duplex } from 'node:stream'

const EVERY_MS = 20
/** Source: RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const [first = '', second = '', third = ''] = process.argv.slice(2)

function serve(address: string, port: number): void {
  const server = createServer()
  server.on('upgrade', ({ headers }, socket: Duplex) => {
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64')
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Accept: ${accept}`,
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  server.listen(port, address)
}

function hold(address: string, port: number, host: string): void {
  const result = { said: 0, heard: 0, end: '' }
  const headers = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  const asking = request({ host: address, port, path: '/', headers })
  asking.on('error', (error) => finish(error.message))
  asking.on('response', ({ statusCode }) => finish(`status ${statusCode}`))
  asking.on('upgrade', (_response, socket) => {
    process.stdout.write('open\n')
    socket.on('data', (chunk: Buffer) => {
      result.heard += chunk.length
    })
    socket.on('close', () => finish('closed'))
    const timer = setInterval(() => {
      result.said++
      socket.write('x')
    }, EVERY_MS)
    process.stdin.on('end', () => {
      clearInterval(timer)
      // what was said last is given the time to come back
      setTimeout(() => finish(''), EVERY_MS * 10)
    })
  })
  asking.end()
  process.stdin.resume()

  function finish(end: string): void {
    process.stdout.write(`${JSON.stringify({ ...result, end })}\n`, () => process.exit(0))
  }
}

if (first === 'serve') serve(second, Number(third))
else hold(first, Number(second), third)
