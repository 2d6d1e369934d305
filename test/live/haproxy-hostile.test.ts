/** Batches of hostile objects told to a real HAProxy: it reads the sections, servers and look-ups that the lexer of tests reads, and no others. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { directoryAt } from '../../src/engine/haproxy/directory.ts'
import { ask } from '../../src/engine/haproxy/socket.ts'
import type { IngressChange, IngressWorld } from '../../src/model/ingress.ts'
import { mapLines } from '../support/haproxy-lexer.ts'
import { sectionsOf } from '../support/haproxy-reading.ts'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { HostileObjects } from '../support/hostile-objects.ts'
import { CANARY, HostileText } from '../support/hostile-text.ts'
import { makeCertificate } from '../support/openssl.ts'

const BATCHES = 20
/** With Services, slices and Secrets 500 objects. */
const INGRESSES = 333

const rig = new HaproxyRig('hostile')
let objects: HostileObjects
let before: IngressWorld | undefined
beforeAll(async () => {
  objects = new HostileObjects(new HostileText(5), { certificate: await makeCertificate(['h1.test']), hasNames: false })
  await rig.up()
})
afterAll(() => rig.down())

function changesTo(world: IngressWorld): readonly IngressChange[] {
  const keys = (kind: IngressChange['kind'], of: (one: IngressWorld) => ReadonlyMap<string, unknown>) =>
    [...new Set([...(before === undefined ? [] : of(before).keys()), ...of(world).keys()])].map((key) => ({ kind, key }))
  return [
    ...keys('ingress', ({ ingresses }) => ingresses),
    ...keys('class', ({ classes }) => classes),
    ...keys('service', ({ services }) => services),
    ...keys('endpointSlice', ({ endpointSlices }) => endpointSlices),
    ...keys('secret', ({ secrets }) => secrets),
  ]
}

/** `NAME` of proxies, and `NAME/SERVER`. */
async function readByHaproxy(): Promise<ReadonlySet<string>> {
  const { runtime } = directoryAt(rig.dir)
  const lines = (await ask(runtime, 'show stat -1 7 -1')).split('\n').map((line) => line.split(','))
  return new Set(
    lines.flatMap(([proxy = '', part = '']) => {
      if (proxy === '' || proxy.startsWith('#')) return []
      return [part === 'FRONTEND' || part === 'BACKEND' ? proxy : `${proxy}/${part}`]
    }),
  )
}

function readByLexer(): ReadonlySet<string> {
  const folder = join(rig.dir, 'conf.d')
  const files = readdirSync(folder).toSorted()
  const { byName, all } = sectionsOf(files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n'))
  expect(all.filter(([, ...words]) => words.includes('299'))).toEqual([])
  const names = [...byName].flatMap(([section, statements]) => {
    const [kind = '', name = ''] = section.split(' ')
    expect(name).not.toContain(CANARY)
    if (kind !== 'frontend' && kind !== 'backend') return []
    return [name, ...statements.flatMap(([verb, server]) => (verb === 'server' ? [`${name}/${server}`] : []))]
  })
  return new Set(names)
}

test(`${BATCHES} batches of 500 objects`, { timeout: 120_000 }, async () => {
  let read = 0
  for (let batch = 0; batch < BATCHES; batch++) {
    const world = objects.world(INGRESSES)
    await rig.serve(world, changesTo(world))
    before = world
    const parts = await readByHaproxy()
    expect([...parts].toSorted()).toEqual([...readByLexer()].toSorted())
    read += [...parts].filter((part) => /^(own_|b\d+\/)/.test(part)).length
    const { runtime, maps } = directoryAt(rig.dir)
    for (const file of readdirSync(maps)) {
      const lines = (await ask(runtime, `show map ${join(maps, file)}`)).split('\n').filter((line) => line.startsWith('0x'))
      const told = lines.map((line) => line.replace(/^0x[0-9a-f]+ /, ''))
      const meant = mapLines(readFileSync(join(maps, file), 'utf8')).map(([key, section]) => `${key} ${section}`)
      expect(told.toSorted(), basename(file)).toEqual(meant.toSorted())
    }
  }
  // sections of their own, and servers of slots
  expect(read).toBeGreaterThan(BATCHES * 100)
})
