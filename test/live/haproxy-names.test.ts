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

beforeAll(async () => {
  tell('10.9.0.1')
  rig.records = RECORDS
  await rig.up()
  await rig.backends(anIngressWorld({ services: SERVICES }))
})

afterAll(() => rig.down())

test('the address of a name changes, and goes, without a reload', async () => {
  const { service } = served('shop', '')
  const ports = service.ports.map((port) => ({ ...port, port: 8080 }))
  const outside = { ...service, ports, type: 'ExternalName' as const, externalName: 'shop.example' }
  const ingresses = [anIngress('shop', { rules: [{ host: 'a.b', paths: [aPath('/', 'shop', 8080)] }] })]
  const world = anIngressWorld({ ingresses, services: SERVICES })
  await rig.serve({ ...world, services: new Map([...world.services, [outside.key, outside]]) })
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
