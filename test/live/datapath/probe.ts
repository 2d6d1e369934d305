/** Reads `PROTOCOL ADDRESS PORT [SOURCE-PORT]` lines (the last for UDP), makes one flow of each, and prints a JSON list of what came back. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

const TIMEOUT_IN_MS = 1_500

const lines = (await text(process.stdin)).split('\n').filter((line) => line !== '')
const answers = await Promise.all(lines.map((line) => flow(line)))
process.stdout.write(JSON.stringify(answers))
process.exit(0)

function flow(line: string): Promise<string> {
  const [protocol, address = '', port = '0', source = '0'] = line.split(' ')
  return protocol === 'tcp' ? tcp(address, Number(port)) : udp(address, Number(port), Number(source))
}

function tcp(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const timer = setTimeout(() => end('timeout'), TIMEOUT_IN_MS)
    function end(answer: string): void {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (data) => end(data.toString().trim()))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : String(error.code)))
  })
}

function udp(host: string, port: number, source: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const timer = setTimeout(() => end('timeout'), TIMEOUT_IN_MS)
    function end(answer: string): void {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    socket.on('message', (data) => end(data.toString().trim()))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : String(error.code)))
    socket.bind(source, () => socket.connect(port, host, () => socket.send('?')))
  })
}
