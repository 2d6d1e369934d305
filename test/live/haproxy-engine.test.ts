/** A real HAProxy told of changes: what takes a reload and what does not, and what a new controller finds. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ingress, IngressChange } from '../../src/model/ingress.ts'
import type { EndpointSlice, Service } from '../../src/model/world.ts'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngress, anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'
import { anEndpoint, aSlice } from '../support/world.ts'

const rig = new HaproxyRig('engine')
const [ONE, TWO] = [served('one', '10.0.0.1'), served('two', '10.0.0.2')]

function route(name: string, host: string, service: string) {
  return anIngress(name, { rules: [{ host, paths: [aPath('/', service)] }] })
}

const world = anIngressWorld({ ingresses: [route('a', 'a.example', 'one')], services: [ONE, TWO] })
const ingresses = world.ingresses as Map<string, Ingress>
const endpointSlices = world.endpointSlices as Map<string, EndpointSlice>
const services = world.services as Map<string, Service>
const changed = (kind: IngressChange['kind'], key: string): readonly IngressChange[] => [{ kind, key }]
const reloads = () => [...rig.engine.counters.reloads.values()].reduce((sum, one) => sum + one, 0)

function add(name: string, host: string, service: string): Promise<void> {
  ingresses.set(`default/${name}`, route(name, host, service))
  return rig.serve(world, changed('ingress', `default/${name}`))
}

function endpointsOf(service: string, ...addresses: readonly string[]): Promise<void> {
  const key = `default/${service}-1`
  const ports = [{ name: 'http', protocol: 'tcp' as const, port: 8080 }]
  endpointSlices.set(key, aSlice(key, `default/${service}`, { ports, endpoints: addresses.map((one) => anEndpoint(one)) }))
  return rig.serve(world, changed('endpointSlice', key))
}

beforeAll(async () => {
  await rig.up()
  await rig.backends(world)
  await rig.serve(world)
})
afterAll(() => rig.down())

test('the first state takes one reload', async () => {
  expect([...rig.engine.counters.reloads]).toEqual([['start', 1]])
  expect(await rig.answerTo('a.example', '/')).toBe('one')
  expect(await rig.answerTo('b.example', '/')).toBe('404')
})

test('a new route, a route to another Service, and one that goes: no reload', async () => {
  await add('b', 'b.example', 'two')
  expect(await rig.answerTo('b.example', '/x')).toBe('two')
  await add('b', 'b.example', 'one')
  expect(await rig.answerTo('b.example', '/x')).toBe('one')
  ingresses.delete('default/b')
  await rig.serve(world, changed('ingress', 'default/b'))
  expect(await rig.answerTo('b.example', '/x')).toBe('404')
  expect(reloads()).toBe(1)
})

test('endpoints come and go: no reload', async () => {
  await endpointsOf('one', '10.0.0.2')
  expect(await rig.answerTo('a.example', '/')).toBe('two')
  await endpointsOf('one')
  expect(await rig.answerTo('a.example', '/')).toBe('503')
  await endpointsOf('one', '10.0.0.1')
  expect(await rig.answerTo('a.example', '/')).toBe('one')
  expect(reloads()).toBe(1)
})

test('a path with what ends words and commands', async () => {
  const path = String.raw`/a;b\c"d'e<<{}%25`
  const ingress = anIngress('odd', {
    rules: [{ host: 'odd.example', paths: [aPath(`exact:${path}`, 'two')] }],
  })
  for (const service of ['two', 'one']) {
    ingresses.set('default/odd', {
      ...ingress,
      rules: [{ host: 'odd.example', paths: [aPath(`exact:${path}`, service)] }],
    })
    await rig.serve(world, changed('ingress', 'default/odd'))
    expect(await rig.answerTo('odd.example', '/', '--request-target', path)).toBe(service)
  }
  ingresses.delete('default/odd')
  await rig.serve(world, changed('ingress', 'default/odd'))
  expect(await rig.answerTo('odd.example', '/', '--request-target', path)).toBe('404')
})

test('a path in any script, however it is written', async () => {
  ingresses.set('default/cafe', anIngress('cafe', { rules: [{ host: 'cafe.example', paths: [aPath('/caf%C3%A9', 'two')] }] }))
  await rig.serve(world, changed('ingress', 'default/cafe'))
  for (const path of ['/caf%C3%A9', '/caf%c3%a9/menu', '/%63af%C3%A9'])
    expect(await rig.answerTo('cafe.example', path)).toBe('two')
  expect(await rig.answerTo('cafe.example', '/caf')).toBe('404')
  ingresses.delete('default/cafe')
  await rig.serve(world, changed('ingress', 'default/cafe'))
  expect(await rig.answerTo('cafe.example', '/caf%C3%A9')).toBe('404')
})

test('a new controller finds all as it should be, and changes what became different meanwhile', async () => {
  await add('c', 'c.example', 'two')
  rig.forget()
  await rig.serve(world)
  expect(reloads()).toBe(0)
  expect(rig.engine.counters.commands).toBe(0)
  rig.forget()
  ingresses.delete('default/c')
  endpointSlices.set('default/one-1', {
    ...(endpointSlices.get('default/one-1') as EndpointSlice),
    endpoints: [anEndpoint('10.0.0.2')],
  })
  await rig.serve(world)
  expect(await rig.answerTo('c.example', '/')).toBe('404')
  expect(await rig.answerTo('a.example', '/')).toBe('two')
  expect(reloads()).toBe(0)
})

test('HAProxy begins with what it was told last when it was killed', async () => {
  await add('d', 'd.example', 'two')
  expect(await rig.engine.wasReplaced()).toBe(false)
  await rig.killProxy()
  expect(await rig.engine.wasReplaced()).toBe(false)
  await rig.startProxy()
  expect(await rig.engine.wasReplaced()).toBe(true)
  expect(await rig.answerTo('d.example', '/')).toBe('two')
  expect(await rig.answerTo('a.example', '/')).toBe('two')
  await rig.verify()
  expect(reloads()).toBe(0)
})

test('more targets than slots: one reload makes room', async () => {
  const many = Array.from({ length: 600 }, (_, index) => served(`s${index}`, '10.0.0.1'))
  for (const { service, slice } of many) {
    services.set(service.key, service)
    endpointSlices.set(slice.key, slice)
  }
  for (const [index] of many.entries()) ingresses.set(`default/m${index}`, route(`m${index}`, `m${index}.example`, `s${index}`))
  const changes = many.flatMap(({ service, slice }, index): IngressChange[] => [
    { kind: 'service', key: service.key },
    { kind: 'endpointSlice', key: slice.key },
    { kind: 'ingress', key: `default/m${index}` },
  ])
  await rig.serve(world, changes)
  expect([...rig.engine.counters.reloads]).toEqual([['slots', 1]])
  for (const index of [0, 300, 599]) expect(await rig.answerTo(`m${index}.example`, '/')).toBe('one')
})

test('of targets with one policy the second makes room for more: others need no reload, nor does a policy that is known', async () => {
  const sized = async (index: number, size: string) => {
    const { service, slice } = served(`q${index}`, '10.0.0.1')
    services.set(service.key, service)
    endpointSlices.set(slice.key, slice)
    const rules = [{ host: `q${index}.example`, paths: [aPath('/', `q${index}`)] }]
    ingresses.set(`default/q${index}`, anNginxIngress(`q${index}`, { 'proxy-body-size': size }, { rules }))
    const before = reloads()
    await rig.serve(world, [
      ...changed('service', service.key),
      ...changed('endpointSlice', slice.key),
      ...changed('ingress', `default/q${index}`),
    ])
    expect(await rig.answerTo(`q${index}.example`, '/')).toBe('one')
    expect(await rig.answerTo(`q${index}.example`, '/', '-d', 'x'.repeat(2_000))).toBe(size === '1k' ? '413' : 'one')
    return reloads() - before
  }
  const sizes = ['1k', '1k', '1k', '1k', '1k', '3k']
  const made: number[] = []
  for (const [index, size] of sizes.entries()) made.push(await sized(index, size))
  expect(made).toEqual([1, 1, 0, 0, 0, 1])
  // from one policy to the other, and back
  expect([await sized(5, '1k'), await sized(5, '3k')]).toEqual([0, 0])
})

test('after many changes the files say what the process was told', async () => {
  const somebody = fc.constantFrom('one', 'two')
  const wish = fc.record({
    name: fc.constantFrom('x1', 'x2', 'x3', 'x4', 'x5', 'x6'),
    host: fc.constantFrom('x.example', '*.x.example', 'y.example'),
    path: fc.constantFrom('/', '/a', 'exact:/a', '/caf%C3%A9'),
    service: somebody,
    size: fc.constantFrom('', '1m', '2m'),
    isThere: fc.boolean(),
  })
  const move = fc.record({ service: somebody, addresses: fc.subarray(['10.0.0.1', '10.0.0.2']) })
  for (const step of fc.sample(fc.oneof(wish, wish, move), { numRuns: 80, seed: 20_819 })) {
    if ('addresses' in step) await endpointsOf(step.service, ...step.addresses)
    else {
      const { name, host, path, service, size, isThere } = step
      const part = { rules: [{ host, paths: [aPath(path, service)] }] }
      const said: Readonly<Record<string, string>> = size === '' ? {} : { 'proxy-body-size': size }
      if (isThere) ingresses.set(`default/${name}`, anNginxIngress(name, said, part))
      else ingresses.delete(`default/${name}`)
      await rig.serve(world, changed('ingress', `default/${name}`))
    }
  }
  // a section of its own whose servers are others, and no reload after it
  await endpointsOf('one', '10.0.0.1')
  const own = { rules: [{ host: 'z.example', paths: [aPath('/', 'one')] }] }
  ingresses.set('default/z', anNginxIngress('z', { 'proxy-body-size': '3m' }, own))
  await rig.serve(world, changed('ingress', 'default/z'))
  const before = reloads()
  for (const addresses of [['10.0.0.1', '10.0.0.2'], ['10.0.0.2']]) await endpointsOf('one', ...addresses)
  expect(reloads()).toBe(before)
  await rig.killProxy()
  await rig.startProxy()
  rig.forget()
  await rig.serve(world)
  expect([reloads(), rig.engine.counters.commands]).toEqual([0, 0])
})
