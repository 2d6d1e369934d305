/** Echo for tests: says its name and whom it sees, by TCP (at connect; then echoes) and UDP. Ends with its standard input. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const [name = '', port = '0'] = process.argv.slice(2)
const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '')

const tcp = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.write(`${name} ${plain(socket.remoteAddress)}\n`)
  socket.pipe(socket)
})
const udp = createSocket({ type: 'udp6', ipv6Only: false })
udp.on('message', (_, from) => udp.send(`${name} ${plain(from.address)}\n`, from.port, from.address))
udp.bind(Number(port), '::', () => tcp.listen(Number(port), '::', () => process.stdout.write('ready\n')))
process.stdin.on('end', () => process.exit(0)).resume()
