/**
 * Asks from the namespace that it was started in. Reads requests and writes answers, a JSON line each; requests run side by side.
 * A request over TCP is HTTP and goes over a connection of its own. An answer is what the echo server said, or says why there is none:
 * `refused` (by a reset or an ICMP error), `timeout`, or the errno.
 */
import { createSocket } from 'node:dgram'
import http from 'node:http'
import { createInterface } from 'node:readline'
import type { Answer, Request } from './wire.ts'

function reasonOf(error: NodeJS.ErrnoException): string {
  return error.code === 'ECONNREFUSED' ? 'refused' : (error.code ?? error.message)
}

function overTcp({ address, port, body, timeoutInMs }: Request): Promise<Answer> {
  return new Promise((resolve) => {
    const host = address.includes(':') ? `[${address}]` : address
    const method = body === undefined ? 'GET' : 'POST'
    const request = http.request(`http://${host}:${port}/`, { agent: false, method }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('error', (error) => resolve({ error: reasonOf(error) }))
      response.on('end', () => resolve(JSON.parse(text) as Answer))
    })
    const timer = setTimeout(() => request.destroy(Object.assign(new Error(), { code: 'timeout' })), timeoutInMs)
    request.on('close', () => clearTimeout(timer))
    request.on('error', (error) => resolve({ error: reasonOf(error) }))
    request.end(body)
  })
}

function overUdp({ address, port, source, timeoutInMs }: Request): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    const end = (answer: Answer) => {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(() => end({ error: 'timeout' }), timeoutInMs)
    socket.on('message', (data) => end(JSON.parse(data.toString()) as Answer))
    socket.on('error', (error) => end({ error: reasonOf(error) }))
    socket.bind(source ?? 0, () => socket.connect(port, address, () => socket.send('?')))
  })
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request
  const ask = request.protocol === 'UDP' ? overUdp : overTcp
  void ask(request).then((answer) => process.stdout.write(`${JSON.stringify({ id: request.id, answer })}\n`))
}
