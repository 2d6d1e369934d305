import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHttpClient, readText } from './client.ts'
import { lineBatches } from './lines.ts'
import { Counter, Gauge, Histogram, renderMetrics } from './metrics.ts'
import { askUnix, json, serveUnix } from './unix-server.ts'

test('lines come whole, wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() !== '' && !text.includes('\n'))),
      fc.array(fc.nat(60)),
      async (lines, cuts) => {
        const bytes = Buffer.from(lines.join('\n'))
        const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length]
        const chunks = places.slice(1).map((place, at) => bytes.subarray(places[at], place))
        const got: string[] = []
        for await (const batch of lineBatches(Readable.from(chunks.filter((chunk) => chunk.length > 0)))) got.push(...batch)
        expect(got).toEqual(lines)
      },
    ),
  )
})

test('metrics in the text format', () => {
  const histogram = new Histogram('h_seconds', 'How long.', [0.1, 1])
  for (const value of [0.1, 0.5, 3]) histogram.observe(value)
  const counter = new Counter('c_total', 'How many.')
  counter.add()
  expect(renderMetrics([histogram, counter, new Gauge('g', 'Now.', () => 2)])).toBe(`# HELP h_seconds How long.
# TYPE h_seconds histogram
h_seconds_bucket{le="0.1"} 1
h_seconds_bucket{le="1"} 2
h_seconds_bucket{le="+Inf"} 3
h_seconds_sum 3.6
h_seconds_count 3
# HELP c_total How many.
# TYPE c_total counter
c_total 1
# HELP g Now.
# TYPE g gauge
g 2
`)
})

test('a unix socket serves its pages to its owner, and says what it does not have', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fairway-unix-'))
  const path = join(dir, 's.sock')
  const pages = {
    '/ok': () => json({ a: 1 }),
    '/bad': () => {
      throw new Error('broken')
    },
  }
  await (await serveUnix(path, pages)).close()
  const server = await serveUnix(path, pages)
  try {
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await askUnix(path, '/ok?x=1')).toEqual({ status: 200, text: '{"a":1}\n' })
    expect((await askUnix(path, '/constructor')).status).toBe(404)
    expect(await askUnix(path, '/bad')).toEqual({ status: 500, text: '{"error":"broken"}\n' })
  } finally {
    await server.close()
    rmSync(dir, { recursive: true })
  }
  await expect(askUnix(path, '/ok')).rejects.toMatchObject({ failure: 'unreachable' })
})

test('a request is ended by its signal: before the answer, within it, and when all of it has come', async () => {
  const server = http.createServer((request, response) => {
    if (request.url === '/whole') response.end('all')
    else if (request.url === '/half') response.write('half')
    asked.resolve()
  })
  const asked = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = createHttpClient()
  const url = (path: string) => new URL(path, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    const silent = new AbortController()
    const unanswered = client.request({ method: 'GET', url: url('/silent'), signal: silent.signal })
    await asked.promise
    silent.abort()
    await expect(unanswered).rejects.toMatchObject({ failure: 'aborted' })
    for (const path of ['/whole', '/half']) {
      const stop = new AbortController()
      const { body } = await client.request({ method: 'GET', url: url(path), signal: stop.signal })
      const read = async () => {
        for await (const _ of body) stop.abort()
      }
      await expect(read(), path).rejects.toMatchObject({ name: 'AbortError' })
    }
    // a connection that somebody hears of nothing more would end the whole process
    expect(await readText((await client.request({ method: 'GET', url: url('/whole') })).body)).toBe('all')
  } finally {
    client.close()
    server.closeAllConnections()
    server.close()
  }
})
