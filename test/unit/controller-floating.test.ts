/** FloatingAddresses, from the user's word to the candidates that agents act on, with the lab's API server. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ADDRESS_CLAIMS, FLOATING_ADDRESSES } from '../../src/kube/load-balancer-resources.ts'
import { EVENTS, NODES, PODS, SERVICES } from '../../src/kube/resource.ts'
import { ControllerWorld } from '../support/controller-world.ts'

const until = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 10_000, interval: 10 })

let world: ControllerWorld
beforeEach(async () => {
  world = await ControllerWorld.make()
  for (const name of ['n1', 'n2']) await world.client.create(NODES, { metadata: { name } })
})
afterEach(() => world[Symbol.asyncDispose]())

const float = (name: string, spec: object) => world.floating(name, spec)
const statusOf = async (name: string) => (await world.client.get(FLOATING_ADDRESSES, { namespace: 'default', name })).status ?? {}
const readyOf = async (name: string) => (await statusOf(name)).conditions?.find(({ type }) => type === 'Ready')

async function pod(name: string, nodeName: string): Promise<void> {
  const labels = { app: 'edge' }
  const spec = { nodeName, hostNetwork: true, containers: [{ name: 'c', image: 'a' }] }
  await world.client.create(PODS, { metadata: { namespace: 'default', name, labels }, spec })
}

async function readiness(name: string, status: 'True' | 'False'): Promise<void> {
  const conditions = [{ type: 'Ready', status }]
  await world.client.patch(
    PODS,
    { namespace: 'default', name },
    { status: { conditions } },
    { type: 'strategic', subresource: 'status' },
  )
}

async function sayPlace(name: string, status: object): Promise<void> {
  const request = { type: 'merge', subresource: 'status' } as const
  await world.client.patch(FLOATING_ADDRESSES, { namespace: 'default', name }, { status }, request)
}

test('an address of no pool is given, and its candidates are the nodes with a Ready pod', async () => {
  await float('edge', { addresses: ['192.168.10.1', 'fd00::1'] })
  await pod('a', 'n1')
  await pod('b', 'n2')
  await world.start()
  await until(async () => expect((await statusOf('edge')).addresses).toEqual(['192.168.10.1', 'fd00::1']))
  expect(await world.claims()).toEqual(['192.168.10.1  floatingaddress/default/edge', 'fd00::1  floatingaddress/default/edge'])
  await until(async () => expect(await readyOf('edge')).toMatchObject({ status: 'False', reason: 'FLOATING_NO_POD' }))

  await readiness('a', 'True')
  await until(async () => expect((await statusOf('edge')).candidates).toEqual([{ node: 'n1', pod: 'a' }]))
  // where it is, the node there says
  expect(await readyOf('edge')).toMatchObject({ status: 'False', reason: 'L2_NOBODY_ANNOUNCES' })
  await sayPlace('edge', { node: 'n1', pod: 'a' })
  const good = { status: 'True', reason: 'Ready', message: 'It follows a Ready pod.' }
  await until(async () => expect(await readyOf('edge')).toMatchObject(good))
  await readiness('b', 'True')
  const both = [
    { node: 'n1', pod: 'a' },
    { node: 'n2', pod: 'b' },
  ]
  await until(async () => expect((await statusOf('edge')).candidates).toEqual(both))
})

test('the node that says it has the address comes first, and is forgotten when nobody can have it', async () => {
  await float('edge', { addresses: ['192.168.10.1'] })
  for (const [name, node] of [
    ['a', 'n1'],
    ['b', 'n2'],
  ] as const) {
    await pod(name, node)
    await readiness(name, 'True')
  }
  await world.start()
  await until(async () => expect((await statusOf('edge')).candidates).toHaveLength(2))
  const last = (await statusOf('edge')).candidates?.at(-1)
  await sayPlace('edge', last ?? {})
  await until(async () => expect((await statusOf('edge')).candidates?.[0]).toEqual(last))
  // a node that died says nothing any more
  await readiness(last?.pod ?? '', 'False')
  await until(async () => expect((await statusOf('edge')).candidates).toHaveLength(1))
  await until(async () => expect((await statusOf('edge')).node).toBeUndefined())
  await until(async () => expect(await readyOf('edge')).toMatchObject({ status: 'False', reason: 'L2_NOBODY_ANNOUNCES' }))
  await readiness('a', 'False')
  await readiness('b', 'False')
  await until(async () => {
    const { candidates, node, pod: name } = await statusOf('edge')
    expect({ candidates, node, name }).toEqual({ candidates: [], node: undefined, name: undefined })
  })
  await until(async () => {
    const events = (await world.client.list(EVENTS)).items.filter(({ reason }) => reason === 'FloatingNoPod')
    expect(events.map(({ type, message }) => [type, message])).toContainEqual([
      'Warning',
      expect.stringContaining('FloatingAddress default/edge is at no node: none of its 2 pods is Ready.'),
    ])
  })
})

test('an address of a pool is taken from it, and given back with the object', async () => {
  await world.pool()
  await world.service('web')
  await world.start()
  await until(async () => expect(await world.addresses('web')).toEqual(['192.168.9.0']))
  await float('edge', { pool: 'first' })
  await until(async () => expect((await statusOf('edge')).addresses).toEqual(['192.168.9.1']))
  expect(await world.claims()).toEqual(['192.168.9.0 first default/web', '192.168.9.1 first floatingaddress/default/edge'])
  await world.client.delete(FLOATING_ADDRESSES, { namespace: 'default', name: 'edge' })
  await until(async () => expect(await world.claims()).toEqual(['192.168.9.0 first default/web']))
  await world.service('next')
  await until(async () => expect(await world.addresses('next')).toEqual(['192.168.9.1']))
})

test('an address is never given twice: not to two that name it, and not to a Service beside them', async () => {
  await world.pool('first', ['192.168.9.0/31'])
  await float('one', { addresses: ['192.168.9.0'] })
  await world.start()
  await until(async () => expect((await statusOf('one')).addresses).toEqual(['192.168.9.0']))
  await float('two', { addresses: ['192.168.9.0'] })
  await world.service('web')
  await until(async () => expect(await world.addresses('web')).toEqual(['192.168.9.1']))
  await until(async () => expect(await readyOf('two')).toMatchObject({ status: 'False', reason: 'ADDRESS_IN_USE' }))
  const message = 'FloatingAddress default/two asks for 192.168.9.0, which FloatingAddress default/one has.'
  expect((await readyOf('two'))?.message).toContain(message)
  expect((await statusOf('two')).addresses ?? []).toEqual([])

  await world.client.delete(FLOATING_ADDRESSES, { namespace: 'default', name: 'one' })
  await until(async () => expect((await statusOf('two')).addresses).toEqual(['192.168.9.0']))
})

test('another address is taken when another one is named, and the old one is free', async () => {
  await float('edge', { addresses: ['192.168.10.1'] })
  await world.start()
  await until(async () => expect((await statusOf('edge')).addresses).toEqual(['192.168.10.1']))
  const place = { namespace: 'default', name: 'edge' }
  await world.client.patch(FLOATING_ADDRESSES, place, { spec: { addresses: ['192.168.10.2'] } }, { type: 'merge' })
  await until(async () => expect((await statusOf('edge')).addresses).toEqual(['192.168.10.2']))
  await until(async () => expect(await world.claims()).toEqual(['192.168.10.2  floatingaddress/default/edge']))
})

test('a pool that is not there is said in the condition, with the field', async () => {
  await float('edge', { pool: 'gone' })
  await world.start()
  await until(async () => expect(await readyOf('edge')).toMatchObject({ status: 'False', reason: 'ADDRESS_POOL_UNKNOWN' }))
  expect((await readyOf('edge'))?.message).toContain('Correct spec.pool, or make the IPAddressPool.')
})

test('a controller that comes after a crash goes on with what claims say', async () => {
  await world.pool('first', ['192.168.9.0/30'])
  const { end } = await world.start()
  await float('edge', { pool: 'first' })
  await until(async () => expect((await statusOf('edge')).addresses).toEqual(['192.168.9.0']))
  await end()
  // as it is between the claim and the status
  await world.client.patch(
    FLOATING_ADDRESSES,
    { namespace: 'default', name: 'edge' },
    { status: { addresses: [] } },
    { type: 'merge', subresource: 'status' },
  )
  await world.client.create(SERVICES, {
    metadata: { namespace: 'default', name: 'older' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  })
  await world.start()
  await until(async () => expect((await statusOf('edge')).addresses).toEqual(['192.168.9.0']))
  await until(async () => expect(await world.addresses('older')).toEqual(['192.168.9.1']))
  expect((await world.client.list(ADDRESS_CLAIMS)).items).toHaveLength(2)
})
