/**
 * Asks the URLs of its arguments by turns, each time by a new connection, until its standard input ends; then prints
 * `{"asked":N,"failed":[{"url":"...","why":"...","hadConnected":false,"atInMs":N,"tookInMs":N}],"turnedAway":N}`, times since the epoch.
 * An argument `URL HEALTH-URL` is asked only while the latter answers 200, as a load balancer would; `turnedAway` counts how often one
 * stopped to.
 */
import http from 'node:http'

const TIMEOUT_IN_MS = 2_000
/** New connections a second of each of the askers: more than a few, less than all that two cores can do. */
const PAUSE_IN_MS = 4
const HEALTH_EVERY_MS = 100

interface Failure {
  readonly url: string
  readonly why: string
  /** Whether the connection was there, so that what failed was a connection in flight and not a new one. */
  readonly hadConnected: boolean
  /** When it failed. */
  readonly atInMs: number
  readonly tookInMs: number
}

const failed: Failure[] = []
let asked = 0
let turnedAway = 0
let ending = false
process.stdin.on('end', () => (ending = true)).resume()

const pause = (timeInMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeInMs))

/** `text`: the status of an answer that came whole, or why there is none. */
interface Answer {
  readonly text: string
  readonly hadConnected: boolean
}

function get(url: string): Promise<Answer> {
  let hadConnected = false
  return new Promise((resolve) => {
    const end = (text: string) => resolve({ text, hadConnected })
    const request = http.get(url, { agent: false, timeout: TIMEOUT_IN_MS }, (response) => {
      response.on('error', (error) => end(error.message))
      response.resume().on('end', () => end(`status ${response.statusCode}`))
    })
    request.on('socket', (socket) => socket.once('connect', () => (hadConnected = true)))
    request.on('timeout', () => request.destroy(new Error('timeout')))
    request.on('error', (error) => end(error.message))
  })
}

const isGood = ({ text }: Pick<Answer, 'text'>): boolean => text === 'status 200'

async function ask(url: string): Promise<void> {
  asked++
  const begunAtInMs = Date.now()
  const { text: why, hadConnected } = await get(url)
  const atInMs = Date.now()
  if (!isGood({ text: why })) failed.push({ url, why, hadConnected, atInMs, tookInMs: atInMs - begunAtInMs })
}

async function askOn(target: string): Promise<void> {
  const [url = '', health] = target.split(' ')
  let healthy = health === undefined || isGood(await get(health))
  const watch = async (at: string) => {
    while (!ending) {
      const now = isGood(await get(at))
      if (healthy && !now) turnedAway++
      healthy = now
      await pause(HEALTH_EVERY_MS)
    }
  }
  const watched = health === undefined ? undefined : watch(health)
  while (!ending) {
    if (healthy) await ask(url)
    await pause(healthy ? PAUSE_IN_MS : HEALTH_EVERY_MS)
  }
  await watched
}

await Promise.all(process.argv.slice(2).map(askOn))
process.stdout.write(JSON.stringify({ asked, failed, turnedAway }))
