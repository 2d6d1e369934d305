/** No address is ever given twice, whatever dies when, and however many lead. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SERVICES } from '../../src/kube/resource.ts'
import { AddressHistory } from '../support/address-history.ts'
import { ControllerWorld } from '../support/controller-world.ts'
import { mortalClient } from '../support/mortal-client.ts'

const CRASHES = Number(process.env.FAIRWAY_CRASHES ?? 50)
/** More Services than addresses: what one gives up another gets at once. */
const NAMES = Array.from({ length: 10 }, (_, at) => `s${at}`)
const RANGE = '192.168.9.0-192.168.9.7'

let world: ControllerWorld
let history: AddressHistory
let stop: AbortController
beforeEach(async () => {
  world = await ControllerWorld.make()
  stop = new AbortController()
  history = new AddressHistory(world.client, stop.signal)
  await world.pool('first', [RANGE])
})
afterEach(async () => {
  stop.abort()
  await world[Symbol.asyncDispose]()
})

/** Draws that are the same in every run (mulberry32). */
function drawsFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** What users do: Services come, go, and change their type. */
async function churn(draw: (below: number) => number): Promise<void> {
  const name = NAMES[draw(NAMES.length)] ?? ''
  const place = { namespace: 'default', name }
  const there = await world.read(name).catch(() => undefined)
  if (there === undefined) await world.service(name)
  else if (draw(2) === 0) await world.client.delete(SERVICES, place)
  else {
    const type = there.spec?.type === 'LoadBalancer' ? 'ClusterIP' : 'LoadBalancer'
    await world.client.patch(SERVICES, place, { spec: { type } }, { type: 'merge' })
  }
}

/** Every Service that asks has one address as long as there are some, each with a claim; and no claim is left over. */
async function expectSettled(): Promise<void> {
  await vi.waitFor(
    async () => {
      const services = (await world.client.list(SERVICES)).items.filter(({ spec }) => spec?.type === 'LoadBalancer')
      const having = services.flatMap(({ metadata, status }) =>
        (status?.loadBalancer?.ingress ?? []).map(({ ip }) => `${ip} first default/${metadata.name}`),
      )
      expect(having).toHaveLength(Math.min(services.length, 8))
      expect(await world.claims()).toEqual(having.toSorted())
    },
    { timeout: 10_000, interval: 20 },
  )
}

test(`${CRASHES} crashes amid writes lose no address and give none twice`, { timeout: 600_000 }, async () => {
  const draw = drawsFrom(7)
  for (let crash = 0; crash < CRASHES; crash++) {
    const died = Promise.withResolvers<void>()
    const dead = new AbortController()
    const die = () => {
      dead.abort()
      died.resolve()
    }
    const client = mortalClient(world.newClient(), { atRequest: 2 + draw(6), sent: draw(2) === 0, die })
    // the same identity: a process that comes again after a kill
    const started = world.start({ client, signal: dead.signal })
    let over = false
    const users = (async () => {
      while (!over) await churn(draw)
    })()
    await died.promise
    over = true
    await Promise.all([users, started.catch(() => undefined)])
    expect(history.clashes).toEqual([])
  }
  await world.start()
  await expectSettled()
  expect(history.clashes).toEqual([])
  expect(history.given).toBeGreaterThan(CRASHES / 5)
})

test('two that both lead, all the time, give no address twice', { timeout: 60_000 }, async () => {
  const draw = drawsFrom(8)
  // a Lease of its own for each: as if one had been stolen, and its holder knew nothing of it
  await Promise.all([world.start({ leaseNamespace: 'default' }), world.start({ leaseNamespace: 'kube-system' })])
  for (let round = 0; round < 200; round++) await churn(draw)
  await expectSettled()
  expect(history.clashes).toEqual([])
  expect(history.given).toBeGreaterThan(50)
})
