/** Opens one TCP connection after the other until its standard input ends; then says how many were answered, and what became of the others. */
import { connect } from 'node:net'

const [host = '', port = '0'] = process.argv.slice(2)
let answered = 0
const failed: string[] = []
let over = false
process.stdin.on('end', () => (over = true)).resume()
while (!over) {
  const answer = await knock()
  if (answer === undefined) answered += 1
  else failed.push(answer)
  if (answered === 1) process.stdout.write('answered\n')
}
process.stdout.write(`${JSON.stringify({ answered, failed })}\n`)
process.exit(0)

function knock(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) })
    socket.setTimeout(900, () => end('timeout')) // shorter than the second attempt of TCP
    socket.on('data', () => end(undefined))
    socket.on('error', (error: NodeJS.ErrnoException) => end(String(error.code)))
    function end(answer: string | undefined): void {
      socket.destroy()
      resolve(answer)
    }
  })
}
