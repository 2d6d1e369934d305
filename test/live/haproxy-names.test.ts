/** Servers that are known by a name alone (ExternalName): a real HAProxy asks for their addresses, and follows them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngress, anIngressWorld, aPath, served } from '../support/ingress.ts'
import { until } from '../support/until.ts'

const rig = new HaproxyRig('names')
const RECORDS = join(rig.dir, 'records')
const SERVICES = [served('one', '10.9.0.1'), served('two', '10.9.0.2')]

const tell = (address: string): void => writeFileSync(RECORDS, address === '' ? '' : `shop.example ${address}\n`)
const answers = (wanted: string) =>
  until(
    () => rig.answerTo('a.b', '/'),
    (answer) => answer === wanted,
  )

const { service } = served('shop', '')
const outside = {
  ...service,
  ports: service.ports.map((port) => ({ ...port, port: 8080 })),
  type: 'ExternalName' as const,
  externalName: 'shop.example',
}
const given = anIngressWorld({
  ingresses: [anIngress('shop', { rules: [{ host: 'a.b', paths: [aPath('/', 'shop', 8080)] }] })],
  services: SERVICES,
})
const world = { ...given, services: new Map([...given.services, [outside.key, outside]]) }
/** An Ingress that changes. */
const other = (turn: number) => {
  const one = anIngress('other', { rules: [{ host: `${turn}.b`, paths: [aPath('/', 'one')] }] })
  return [[one.key, one] as const]
}

beforeAll(async () => {
  tell('10.9.0.1')
  rig.records = RECORDS
  await rig.up()
  await rig.backends(anIngressWorld({ services: SERVICES }))
})

afterAll(() => rig.down())

test('the address of a name changes, and goes, without a reload', async () => {
  await rig.serve(world)
  await answers('one')
  const reloads = new Map(rig.engine.counters.reloads)
  tell('10.9.0.2')
  await answers('two')
  tell('')
  await answers('503')
  tell('10.9.0.1')
  await answers('one')
  expect(rig.engine.counters.reloads).toEqual(reloads)
})

test('a reload fails no request, as names keep their addresses, also while nobody answers for them', async () => {
  for (let turn = 0; turn < 3; turn++) {
    let isOver = false
    const asking = (async () => {
      const all: string[] = []
      while (!isOver) all.push(await rig.answerTo('a.b', '/'))
      return all
    })()
    if (turn === 1) writeFileSync(RECORDS, 'silent\n')
    rig.engine.demandReload()
    await rig.serve({ ...world, ingresses: new Map([...world.ingresses, ...other(turn)]) }, [
      { kind: 'ingress', key: 'default/other' },
    ])
    isOver = true
    expect(new Set(await asking)).toEqual(new Set(['one']))
    expect(await rig.answerTo('a.b', '/')).toBe('one')
  }
  expect(rig.engine.counters.reloads.get('asked')).toBe(3)
})
