/**
 * A program: many UDP flows to one address, each from a port of its own, so that a router spreads them over its paths.
 *
 * `flows.ts echo ADDRESS PORT` sends back what comes. `flows.ts ask ADDRESS PORT FLOWS INTERVAL_MS` asks until its input ends, then
 * prints one FlowsResult as JSON; `asking` is printed once every flow was answered.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'

export interface FlowsResult {
  readonly asked: number
  /** Questions without an answer. */
  readonly lost: number
  /** Flows that lost any. */
  readonly touched: number
  /**
   * The longest time that a flow went unanswered: from its last question that was answered before, to the first that was answered after.
   * Times are those of asking, so that a busy machine that is late to read answers does not count.
   */
  readonly longestGapInMs: number
}

interface Flow {
  readonly socket: Socket
  readonly askedAtInMs: number[]
  readonly answered: Set<number>
}

/** Answers may be so late. */
const PATIENCE_IN_MS = 500

async function openFlow(address: string, port: number): Promise<Flow> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const answered = new Set<number>()
  socket.on('message', (message) => answered.add(message.readUInt32BE(0)))
  socket.on('error', () => undefined) // refused for a moment: the answer is missing, which is what counts
  socket.connect(port, address)
  await once(socket, 'connect')
  return { socket, askedAtInMs: [], answered }
}

function ask({ socket, askedAtInMs }: Flow): void {
  const question = Buffer.alloc(16)
  question.writeUInt32BE(askedAtInMs.length)
  askedAtInMs.push(performance.now())
  socket.send(question, () => undefined)
}

/** What became of the flows; those questions that were asked before the first answer count for nothing. */
function judge(flows: readonly Flow[]): FlowsResult {
  const gaps = flows.map(({ askedAtInMs, answered }) => {
    const begin = Math.min(...answered)
    const after = askedAtInMs.map((atInMs, number) => ({ atInMs, isAnswered: answered.has(number) })).slice(begin)
    const lost = after.filter(({ isAnswered }) => !isAnswered).length
    let last = after[0]?.atInMs ?? 0
    let longest = 0
    for (const [index, { atInMs, isAnswered }] of after.entries()) {
      const isEnd = index === after.length - 1 // a flow that ends unanswered was unanswered to the end
      const previous = after[index - 1]
      if ((isAnswered && previous?.isAnswered === false) || (isEnd && !isAnswered)) longest = Math.max(longest, atInMs - last)
      if (isAnswered) last = atInMs
    }
    return { asked: after.length, lost, longest }
  })
  return {
    asked: gaps.reduce((sum, { asked }) => sum + asked, 0),
    lost: gaps.reduce((sum, { lost }) => sum + lost, 0),
    touched: gaps.filter(({ lost }) => lost > 0).length,
    longestGapInMs: Math.round(Math.max(0, ...gaps.map(({ longest }) => longest))),
  }
}

async function main([verb = '', address = '', port = '', count = '', intervalInMs = '']: readonly string[]): Promise<void> {
  if (verb === 'echo') {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.on('message', (message, from) => socket.send(message, from.port, from.address, () => undefined))
    socket.bind(Number(port), address, () => process.stdout.write('ready\n'))
    return
  }
  const flows = await Promise.all(Array.from({ length: Number(count) }, () => openFlow(address, Number(port))))
  const timer = setInterval(() => flows.forEach(ask), Number(intervalInMs))
  const begun = setInterval(() => {
    if (flows.some(({ answered }) => answered.size === 0)) return
    clearInterval(begun)
    process.stdout.write('asking\n')
  }, 10)
  process.stdin.resume()
  await once(process.stdin, 'end')
  clearInterval(timer)
  clearInterval(begun)
  await wait(PATIENCE_IN_MS)
  process.stdout.write(`${JSON.stringify(judge(flows))}\n`, () => process.exit(0))
}

await main(process.argv.slice(2))
