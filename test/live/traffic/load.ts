/** Asks the URLs of its arguments by turns, each time by a new connection, until its standard input ends; then prints `{"asked":N,"failed":[...]}`. */
import http from 'node:http'

const TIMEOUT_IN_MS = 2_000
/** New connections a second of each of the askers: more than a few, less than all that two cores can do. */
const PAUSE_IN_MS = 4

const failed: string[] = []
let asked = 0
let ending = false
process.stdin.on('end', () => (ending = true)).resume()

function ask(url: string): Promise<void> {
  asked++
  return new Promise((resolve) => {
    const fail = (reason: string) => {
      failed.push(`${url}: ${reason}`)
      resolve()
    }
    const request = http.get(url, { agent: false, timeout: TIMEOUT_IN_MS }, (response) => {
      response.on('error', (error) => fail(error.message))
      response.resume().on('end', () => (response.statusCode === 200 ? resolve() : fail(`status ${response.statusCode}`)))
    })
    request.on('timeout', () => request.destroy(new Error('timeout')))
    request.on('error', (error) => fail(error.message))
  })
}

async function askOn(url: string): Promise<void> {
  while (!ending) {
    await ask(url)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_IN_MS))
  }
}

await Promise.all(process.argv.slice(2).map(askOn))
process.stdout.write(JSON.stringify({ asked, failed }))
