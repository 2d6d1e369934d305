/** Holds one TCP connection open and joins it with standard input and output. */
import { connect } from 'node:net'

const [host = '', port = '0'] = process.argv.slice(2)
const socket = connect({ host, port: Number(port) })
socket.pipe(process.stdout)
process.stdin.pipe(socket)
socket.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
