/**
 * Asks URL again and again, each time over a new connection, until the file STOP is there; then prints what happened as JSON.
 * Usage: load.mjs STOP PER_SECOND URL...
 */
import { existsSync } from 'node:fs'
import { get } from 'node:http'

const [stop = '', perSecond = '100', ...urls] = process.argv.slice(2)
const result = { asked: 0, answered: 0, pods: {}, failures: [] }
const startedAtInMs = performance.now()

const sinceStartInMs = () => Math.round(performance.now() - startedAtInMs)

function ask(url) {
  const askedAtInMs = sinceStartInMs()
  return new Promise((resolve) => {
    const fail = (why) => {
      result.failures.push({ askedAtInMs, atInMs: sinceStartInMs(), at: new Date().toISOString(), url, why })
      resolve()
    }
    const request = get(url, { agent: false, timeout: 5_000 }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', (error) => fail(`answer: ${error.message}`))
      response.on('end', () => {
        if (response.statusCode !== 200) return fail(`status ${response.statusCode}`)
        const { pod } = JSON.parse(text)
        result.pods[pod] = (result.pods[pod] ?? 0) + 1
        result.answered++
        resolve()
      })
    })
    request.on('timeout', () => request.destroy(new Error('no answer in 5 s')))
    request.on('error', (error) => fail(error.message))
  })
}

const pending = new Set()
const endsAtInMs = startedAtInMs + 120_000
while (!existsSync(stop) && performance.now() < endsAtInMs) {
  const due = ((performance.now() - startedAtInMs) / 1000) * Number(perSecond)
  while (result.asked < due && pending.size < 200) {
    const one = ask(urls[result.asked++ % urls.length])
    pending.add(one)
    one.finally(() => pending.delete(one))
  }
  await new Promise((resolve) => setTimeout(resolve, 5))
}
await Promise.all(pending)
process.stdout.write(`${JSON.stringify(result)}\n`)
