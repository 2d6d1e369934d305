/** Reads `PROTOCOL ADDRESS PORT [SOURCE-PORT [SOURCE-ADDRESS]]` lines, makes one flow of each, and prints a JSON list of what came back. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

const TIMEOUT_IN_MS = 1_500

const lines = (await text(process.stdin)).split('\n').filter((line) => line !== '')
const answers = await Promise.all(lines.map((line) => flow(line)))
process.stdout.write(JSON.stringify(answers))
process.exit(0)

interface Flow {
  readonly host: string
  readonly port: number
  /** 0 and undefined: as the kernel likes. */
  readonly sourcePort: number
  readonly sourceAddress: string | undefined
}

function flow(line: string): Promise<string> {
  const [protocol, host = '', port, source = '0', sourceAddress] = line.split(' ')
  const one = { host, port: Number(port), sourcePort: Number(source), sourceAddress }
  return protocol === 'tcp' ? tcp(one) : udp(one)
}

function tcp({ host, port, sourcePort, sourceAddress }: Flow): Promise<string> {
  return new Promise((resolve) => {
    const local = {
      ...(sourcePort === 0 ? {} : { localPort: sourcePort }),
      ...(sourceAddress === undefined ? {} : { localAddress: sourceAddress }),
    }
    const socket = connect({ host, port, ...local })
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

function udp({ host, port, sourcePort, sourceAddress }: Flow): Promise<string> {
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
    socket.bind(sourcePort, sourceAddress, () => socket.connect(port, host, () => socket.send('?')))
  })
}
