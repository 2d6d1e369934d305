/** `probe.ts ADDRESS PORT COUNT`: opens connections one after the other, asks each for a page, and prints their times in milliseconds as JSON. */
import { once } from 'node:events'
import { connect } from 'node:net'

const [address = '', port = '', count = ''] = process.argv.slice(2)

async function connection(): Promise<number> {
  const startedAt = performance.now()
  const socket = connect({ host: address, port: Number(port), noDelay: true })
  socket.end('GET / HTTP/1.0\r\n\r\n')
  let answer = ''
  socket.setEncoding('latin1').on('data', (text) => {
    answer += text
  })
  await once(socket, 'end')
  const took = performance.now() - startedAt
  if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`an answer was ${JSON.stringify(answer)}`)
  return took
}

const warmUp = 100
const times: number[] = []
for (let index = 0; index < warmUp + Number(count); index++) {
  const took = await connection()
  if (index >= warmUp) times.push(took)
}
process.stdout.write(JSON.stringify(times))
