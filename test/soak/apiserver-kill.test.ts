/** The API server killed again and again in the middle of writes: nothing that was acknowledged is lost, changed or brought back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ServerProcess } from '../../bench/apiserver/server-process.ts'

const ROUNDS = 30
const LANES = 6
const NAMES_A_LANE = 20
const MAPS = '/api/v1/namespaces/default/configmaps'

/** What may be stored under a name: what was acknowledged last, and what a write without an answer would have made of it. */
interface Known {
  readonly acknowledged: number | undefined
  readonly asked: number | undefined
}

let server: ServerProcess
const known = new Map<string, Known>()
let serial = 0
let writes = 0

beforeAll(async () => {
  server = await ServerProcess.start()
})
afterAll(() => server[Symbol.asyncDispose]())

/** Creates, replaces or deletes one ConfigMap. @throws {Error} when the server is gone before it answers */
async function writeOne(name: string): Promise<void> {
  const { acknowledged } = known.get(name) ?? { acknowledged: undefined }
  serial += 1
  const asked = acknowledged !== undefined && serial % 3 === 0 ? undefined : serial
  known.set(name, { acknowledged, asked })
  const body = { metadata: { name }, data: { value: String(asked), text: 'x'.repeat(500) } }
  const path = `${MAPS}/${name}`
  const answer =
    asked === undefined
      ? await server.call('DELETE', path)
      : acknowledged === undefined
        ? await server.call('POST', MAPS, body)
        : await server.call('PUT', path, body)
  expect([200, 201], answer.body).toContain(answer.status)
  known.set(name, { acknowledged: asked, asked })
  writes += 1
}

async function lane(index: number): Promise<void> {
  for (let step = 0; ; step++) await writeOne(`lane-${index}-${step % NAMES_A_LANE}`)
}

/** What is stored must be one of the two; from then on it is what is known. */
async function check(): Promise<void> {
  const { items } = JSON.parse((await server.call('GET', MAPS)).body) as {
    readonly items: readonly { readonly metadata: { readonly name: string }; readonly data: { readonly value: string } }[]
  }
  const stored = new Map(items.map(({ metadata, data }) => [metadata.name, Number(data?.value)]))
  for (const [name, { acknowledged, asked }] of known) {
    const now = stored.get(name)
    expect([acknowledged, asked], name).toContain(now)
    known.set(name, { acknowledged: now, asked: now })
  }
}

test(`killed ${ROUNDS} times`, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const until = writes + 50 + ((round * 37) % 200)
    const lanes = Promise.allSettled(Array.from({ length: LANES }, (_, index) => lane(index)))
    while (writes < until) await new Promise((resolve) => setImmediate(resolve))
    await server.kill()
    const ends = await lanes
    for (const end of ends) if (end.status === 'rejected' && end.reason?.name === 'AssertionError') throw end.reason
    await server.restart()
    await check()
  }
  expect(writes).toBeGreaterThan(ROUNDS * 50)
})
