/** A server whose users are busy while controllers come and die: no address may be given twice, and none may be lost. */
import { expect, vi } from 'vitest'
import { SERVICES } from '../../src/kube/resource.ts'
import { AddressHistory } from './address-history.ts'
import { ControllerProcess } from './controller-process.ts'
import { ControllerWorld } from './controller-world.ts'
import { mortalClient } from './mortal-client.ts'

/** More Services than addresses: what one gives up another gets at once. */
const NAMES = Array.from({ length: 10 }, (_, at) => `s${at}`)
const RANGE = '192.168.9.0-192.168.9.7'
const ADDRESSES = 8
/** Up to so long a process lives: most die amid writes. */
const LIFE_IN_MS = 200

export class ControllerCrashes implements AsyncDisposable {
  readonly history: AddressHistory
  private readonly world: ControllerWorld
  private readonly stop = new AbortController()
  private readonly draw: (below: number) => number

  private constructor(world: ControllerWorld, seed: number) {
    this.world = world
    this.history = new AddressHistory(world.client, this.stop.signal)
    this.draw = drawsFrom(seed)
  }

  /** `seed`: of what users do and of when processes die. */
  static async make(seed: number): Promise<ControllerCrashes> {
    const world = await ControllerWorld.make()
    await world.pool('first', [RANGE])
    return new ControllerCrashes(world, seed)
  }

  /** A controller that dies amid its writes while users are busy, `times` times, each with the identity of the one before. */
  async crash(times: number): Promise<void> {
    for (let crash = 0; crash < times; crash++) {
      const died = Promise.withResolvers<void>()
      const dead = new AbortController()
      const die = () => {
        dead.abort()
        died.resolve()
      }
      const death = { atRequest: 2 + this.draw(6), sent: this.draw(2) === 0, die }
      const started = this.world.start({ client: mortalClient(this.world.newClient(), death), signal: dead.signal })
      let over = false
      const users = (async () => {
        while (!over) await this.churn()
      })()
      await died.promise
      over = true
      await Promise.all([users, started.catch(() => undefined)])
      expect(this.history.clashes).toEqual([])
    }
    await this.world.start()
  }

  /** The same with processes of `fairway controller`, each of which gets SIGKILL at a moment of its own. */
  async kill(times: number): Promise<void> {
    using controller = new ControllerProcess(this.world.server.url)
    for (let kill = 0; kill < times; kill++) {
      await controller.start()
      const endInMs = performance.now() + this.draw(LIFE_IN_MS)
      while (performance.now() < endInMs) await this.churn()
      await controller.kill()
      expect(this.history.clashes).toEqual([])
    }
    await this.world.start({ identity: 'one' })
  }

  /** Two controllers that both lead, all the time: each has a Lease of its own, as if one had been stolen, and its holder knew nothing of it. */
  async lead(rounds: number): Promise<void> {
    await Promise.all(['default', 'kube-system'].map((leaseNamespace) => this.world.start({ leaseNamespace })))
    for (let round = 0; round < rounds; round++) await this.churn()
  }

  /** Every Service that asks has one address as long as there are some, each with a claim; and no claim is left over. */
  async expectSettled(): Promise<void> {
    const settled = async () => {
      const services = (await this.world.client.list(SERVICES)).items.filter(({ spec }) => spec?.type === 'LoadBalancer')
      const having = services.flatMap(({ metadata, status }) =>
        (status?.loadBalancer?.ingress ?? []).map(({ ip }) => `${ip} first default/${metadata.name}`),
      )
      expect(having).toHaveLength(Math.min(services.length, ADDRESSES))
      expect(await this.world.claims()).toEqual(having.toSorted())
    }
    await vi.waitFor(settled, { timeout: 10_000, interval: 20 })
    expect(this.history.clashes).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort()
    await this.world[Symbol.asyncDispose]()
  }

  /** What users do: Services come, go, and change their type. */
  private async churn(): Promise<void> {
    const { world, draw } = this
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
}

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
