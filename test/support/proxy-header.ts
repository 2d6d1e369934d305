/** The PROXY protocol, read and written. Source: HAProxy, doc/proxy-protocol.txt, 2.1 and 2.2. */
import type { Socket } from 'node:net'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

export interface ProxyHeader {
  readonly version: 'v1' | 'v2'
  /** Of the client, IPv4. */
  readonly address: string
}

/** What a connection begins with; what follows it is still to be read. Undefined: something else. */
export function readProxyHeader(socket: Socket): Promise<ProxyHeader | undefined> {
  return new Promise((resolve) => {
    let read: Buffer = Buffer.alloc(0)
    socket.on('close', () => resolve(undefined))
    socket.on('data', function take(part: Buffer) {
      read = Buffer.concat([read, part])
      const header = parse(read)
      if (header === 'more') return
      socket.off('data', take)
      socket.pause()
      if (header !== undefined) socket.unshift(read.subarray(header.length))
      resolve(header)
    })
  })
}

function parse(text: Buffer): (ProxyHeader & { readonly length: number }) | 'more' | undefined {
  if (text.subarray(0, 6).toString() === 'PROXY ') {
    const end = text.indexOf('\r\n')
    if (end === -1) return 'more'
    return { version: 'v1', address: text.subarray(0, end).toString().split(' ')[2] ?? '', length: end + 2 }
  }
  if (text.length < 16) return 'more'
  if (!text.subarray(0, 12).equals(SIGNATURE)) return undefined
  const length = 16 + text.readUInt16BE(14)
  return text.length < length ? 'more' : { version: 'v2', address: [...text.subarray(16, 20)].join('.'), length }
}

/** Of a client of IPv4 with the port 4711, to 127.0.0.1:80. */
export function proxyHeader({ version, address }: ProxyHeader): Buffer {
  if (version === 'v1') return Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 4711 80\r\n`)
  const numbers = [...address.split('.').map(Number), 127, 0, 0, 1]
  const [ports, head] = [Buffer.from([0x12, 0x67, 0, 80]), Buffer.from([0x21, 0x11, 0, 12])]
  return Buffer.concat([SIGNATURE, head, Buffer.from(numbers), ports])
}
