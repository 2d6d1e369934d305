/**
 * Asks a gateway again and again, each time on a new connection, until it answers what is wanted.
 *
 * A line of standard input is `{ address, port, host, want }`; the line of standard output that follows says when, in nanoseconds of the
 * monotonic clock, the wanted answer (status 200 and that body) was read whole, and how many answers came before it.
 */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'

interface Question {
  readonly address: string
  readonly port: number
  readonly host: string
  readonly want: string
}

/** What is behind the status line and the headers of the answer; undefined when it was not a 200 or there was none. */
async function ask({ address, port, host }: Question): Promise<string | undefined> {
  const socket = connect({ host: address, port, noDelay: true })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  await new Promise((resolve) => socket.once('close', resolve))
  return text.startsWith('HTTP/1.1 200') ? text.slice(text.indexOf('\r\n\r\n') + 4) : undefined
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as Question
  let before = 0
  while ((await ask(question))?.trim() !== question.want) {
    before++
    await setTimeout(1)
  }
  process.stdout.write(`${JSON.stringify({ at: `${process.hrtime.bigint()}`, before })}\n`)
}
