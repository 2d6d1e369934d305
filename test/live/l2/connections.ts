/**
 * A program: opens a new TCP connection to each address every INTERVAL_MS, and keeps some open on which it asks again and again.
 *
 * `connections.ts PORT HELD INTERVAL_MS ADDRESS...` asks until its input ends, then prints one ConnectionsResult an address as JSON; `asking` is
 * printed once each address was reached. `ADDRESS+ADDRESS` counts as one, which answers when any of them does.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

export interface ConnectionsResult {
  readonly address: string
  readonly tried: number
  readonly failed: number
  /** Not among the failed: the handshake was answered, and what came next met with a node that knows nothing of it. */
  readonly reset: number
  /** Why the failed did, each reason once. */
  readonly reasons: readonly string[]
  /** The longest time in which new connections failed: from the start of the first one that did to that of the next which did not. */
  readonly darkInMs: number
  /** Connections that were open all the time, and those of them that ended or fell silent. */
  readonly held: number
  readonly lost: number
}

/** The kernel asks again after a second: a connection whose first packet was lost has failed by then. */
const PATIENCE_IN_MS = 900
const HELD_EVERY_IN_MS = 50
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

interface Try {
  readonly atInMs: number
  /** '' while nothing is known; `connected`, or the code of the error. */
  outcome: string
}

const CONNECTED = 'connected'
/** Only a connection that is there can be reset: refusal has another code. */
const RESET = 'ECONNRESET'
const isLost = ({ outcome }: Try): boolean => outcome !== CONNECTED && outcome !== RESET

interface Held {
  readonly socket: Socket
  askedAtInMs: number
  answeredAtInMs: number
  isOver: boolean
}

const [port = '', held = '', interval = '', ...addresses] = process.argv.slice(2)
let isOver = false
const timers: NodeJS.Timeout[] = []

function attempt(address: string): Try {
  const one: Try = { atInMs: performance.now(), outcome: '' }
  const hosts = address.split('+')
  let left = hosts.length
  for (const host of hosts)
    attemptOne(host, (outcome) => {
      left--
      if (one.outcome === '' && (outcome === CONNECTED || left === 0)) one.outcome = outcome
    })
  return one
}

/** `ended` hears once how it went. */
function attemptOne(host: string, ended: (outcome: string) => void): void {
  const socket = connect({ host, port: Number(port) })
  let isEnded = false
  const end = (outcome: string) => {
    if (!isEnded) ended(outcome)
    isEnded = true
    socket.destroy()
  }
  const timer = setTimeout(() => end('silence'), PATIENCE_IN_MS)
  socket.on('connect', () => end(CONNECTED))
  socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  socket.on('close', () => clearTimeout(timer))
}

async function hold(address: string): Promise<Held> {
  const socket = connect({ host: address, port: Number(port) })
  await once(socket, 'connect')
  const one: Held = { socket, askedAtInMs: 0, answeredAtInMs: 0, isOver: false }
  socket.on('data', () => {
    one.answeredAtInMs = performance.now()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    one.isOver = true
  })
  return one
}

async function keepAsking(one: Held): Promise<void> {
  while (!isOver && !one.isOver) {
    if (one.answeredAtInMs >= one.askedAtInMs) {
      one.askedAtInMs = performance.now()
      one.socket.write(REQUEST)
    }
    await wait(HELD_EVERY_IN_MS)
  }
}

async function reached(address: string): Promise<void> {
  for (;;) {
    const one = attempt(address)
    while (one.outcome === '') await wait(1)
    if (one.outcome === CONNECTED) return
    await wait(Number(interval))
  }
}

function judge(address: string, tries: readonly Try[], open: readonly Held[]): ConnectionsResult {
  let darkInMs = 0
  let since: number | undefined
  for (const one of tries) {
    if (isLost(one)) since ??= one.atInMs
    if (since !== undefined) darkInMs = Math.max(darkInMs, one.atInMs - since)
    if (!isLost(one)) since = undefined
  }
  const failed = tries.filter(isLost)
  const reset = tries.filter(({ outcome }) => outcome === RESET).length
  const reasons = [...new Set(failed.map(({ outcome }) => outcome))].toSorted()
  const lost = open.filter((one) => one.isOver || one.answeredAtInMs < one.askedAtInMs).length
  const counts = { tried: tries.length, failed: failed.length, reset, reasons, held: open.length, lost }
  return { address, ...counts, darkInMs: Math.round(darkInMs) }
}

async function ask(address: string): Promise<() => ConnectionsResult> {
  await reached(address)
  const open = await Promise.all(Array.from({ length: Number(held) }, () => hold(address)))
  for (const one of open) void keepAsking(one)
  const tries: Try[] = []
  timers.push(setInterval(() => tries.push(attempt(address)), Number(interval)))
  return () => judge(address, tries, open)
}

const results = await Promise.all(addresses.map(ask))
process.stdout.write('asking\n')
process.stdin.resume()
await once(process.stdin, 'end')
for (const timer of timers) clearInterval(timer)
isOver = true // what was asked has its answer by the end
await wait(PATIENCE_IN_MS + 100)
process.stdout.write(`${JSON.stringify(results.map((result) => result()))}\n`)
process.exit(0)
