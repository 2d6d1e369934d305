/** What nodes say of where floating addresses are, against the lab's API server. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FloatingPlace } from '../../src/agent/l2/floating-place.ts'
import { FLOATING_ADDRESSES } from '../../src/kube/load-balancer-resources.ts'
import { EVENTS } from '../../src/kube/resource.ts'
import { ControllerWorld } from '../support/controller-world.ts'
import { aFloatingAddress, byKey } from '../support/load-balancer.ts'

const KEY = 'default/edge'
const EDGE = { namespace: 'default', name: 'edge' }
const until = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 10_000, interval: 10 })

let world: ControllerWorld
let stop: AbortController
beforeEach(async () => {
  stop = new AbortController()
  world = await ControllerWorld.make()
  await world.floating('edge', { addresses: ['192.168.10.1'] })
})
afterEach(async () => {
  stop.abort()
  await world[Symbol.asyncDispose]()
})

const placeOn = (node: string) =>
  new FloatingPlace({ client: world.client, node, signal: stop.signal, waitsInMs: { takeBack: 1, correct: 1 } })
/** As an agent hears it. */
const heard = (node?: string, pod = 'a') => {
  return byKey(aFloatingAddress(KEY, ['n1', 'n2'], node === undefined ? {} : { place: { node, pod } }))
}
const here = (pod: string) => new Map([[KEY, pod]])
async function place(): Promise<string> {
  const { status } = await world.client.get(FLOATING_ADDRESSES, EDGE)
  return `${status?.node ?? 'nowhere'} ${status?.pod ?? '-'}`
}
const say = (status: object) => world.client.patch(FLOATING_ADDRESSES, EDGE, { status }, { type: 'merge', subresource: 'status' })
const told = async () => (await world.client.list(EVENTS)).items.map(({ message, count }) => `${count} ${message}`)

test('the node that has it says so once, and again when it is unsaid', async () => {
  const one = placeOn('n1')
  one.want(here('a'), heard())
  await until(async () => expect(await place()).toBe('n1 a'))
  for (const [node, pod] of [
    [null, null],
    ['n2', 'b'],
  ]) {
    await say({ node, pod })
    one.want(here('a'), heard(node ?? undefined, pod ?? undefined))
    await until(async () => expect(await place()).toBe('n1 a'))
    one.want(here('a'), heard('n1'))
  }
  await until(async () => expect(await told()).toEqual(['1 at node "n1" with pod "a"']))
})

test('a node that has it no more takes its word back, and that of no other one', async () => {
  const [one, two] = [placeOn('n1'), placeOn('n2')]
  one.want(here('a'), heard())
  await until(async () => expect(await place()).toBe('n1 a'))
  one.want(new Map(), heard('n1'))
  await until(async () => expect(await place()).toBe('nowhere -'))

  two.want(here('b'), heard())
  await until(async () => expect(await place()).toBe('n2 b'))
  one.want(new Map(), heard('n1')) // it has not yet heard of the other one
  two.want(here('c'), heard('n2', 'b'))
  await until(async () => expect(await place()).toBe('n2 c'))
})
