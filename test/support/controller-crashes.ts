/** A server whose users are busy while controllers come and die: no address may be given twice, and none may be lost. */
import { expect, vi } from 'vitest'
import { isAlreadyExists } from '../../src/kube/api-error.ts'
import { FLOATING_ADDRESSES } from '../../src/kube/load-balancer-resources.ts'
import { SERVICES } from '../../src/kube/resource.ts'
import { AddressHistory } from './address-history.ts'
import { ControllerProcess } from './controller-process.ts'
import { ControllerWorld } from './controller-world.ts'
import { drawsFrom } from './draws.ts'
import { mortalClient } from './mortal-client.ts'

/** More holders than addresses: what one gives up another gets at once. */
const NAMES = Array.from({ length: 8 }, (_, at) => `s${at}`)
const FLOATING_NAMES = Array.from({ length: 3 }, (_, at) => `f${at}`)
const RANGE = '192.168.9.0-192.168.9.7'
const ADDRESSES = 8
/** Up to so long a process lives, or goes on after it gave what it is to give: most die amid writes. */
const LIFE_IN_MS = 200
/** How many addresses a process gives before it may die, however busy the machine is. */
const GIVEN = 3

export class ControllerCrashes implements AsyncDisposable {
  readonly history: AddressHistory
  private readonly world: ControllerWorld
  private readonly draw: (below: number) => number

  private constructor(world: ControllerWorld, seed: number) {
    this.world = world
    this.history = new AddressHistory(world.server)
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

  /** The same with processes of `fairway controller`, each of which gets SIGKILL at a moment of its own: every second one has given some addresses by then. */
  async kill(times: number): Promise<void> {
    using controller = new ControllerProcess(this.world.server.url)
    for (let kill = 0; kill < times; kill++) {
      await controller.start()
      const given = this.history.given + (kill % 2 === 0 ? GIVEN : 0)
      while (this.history.given < given) await this.churn()
      const endInMs = performance.now() + this.draw(LIFE_IN_MS)
      while (performance.now() < endInMs) await this.churn()
      await controller.kill()
      expect(this.history.clashes).toEqual([])
    }
    await this.world.start({ identity: 'one' })
  }

  /** Two controllers that both lead, all the time, for so many changes and until so many addresses are given: each has a Lease of its own, as if one had been stolen, and its holder knew nothing of it. */
  async lead(rounds: number, given: number): Promise<void> {
    await Promise.all(['default', 'kube-system'].map((leaseNamespace) => this.world.start({ leaseNamespace })))
    for (let round = 0; round < rounds || this.history.given < given; round++) await this.churn()
  }

  /** Everybody who asks has one address as long as there are some, each with a claim; and no claim is left over. */
  async expectSettled(): Promise<void> {
    const settled = async () => {
      const services = (await this.world.client.list(SERVICES)).items.filter(({ spec }) => spec?.type === 'LoadBalancer')
      const having = services.flatMap(({ metadata, status }) =>
        (status?.loadBalancer?.ingress ?? []).map(({ ip }) => `${ip} first default/${metadata.name}`),
      )
      const floating = (await this.world.client.list(FLOATING_ADDRESSES)).items
      for (const { metadata, status } of floating)
        for (const ip of status?.addresses ?? []) having.push(`${ip} first floatingaddress/default/${metadata.name}`)
      expect(having).toHaveLength(Math.min(services.length + floating.length, ADDRESSES))
      expect(await this.world.claims()).toEqual(having.toSorted())
    }
    await vi.waitFor(settled, { timeout: 10_000, interval: 20 })
    expect(this.history.clashes).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]()
  }

  /** What users do: Services come, go, and change their type, FloatingAddresses come and go. */
  private async churn(): Promise<void> {
    const { world, draw } = this
    if (draw(4) === 0) return this.churnFloating()
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

  private async churnFloating(): Promise<void> {
    const { world, draw } = this
    const name = FLOATING_NAMES[draw(FLOATING_NAMES.length)] ?? ''
    try {
      await world.floating(name, { pool: 'first' })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      await world.client.delete(FLOATING_ADDRESSES, { namespace: 'default', name })
    }
  }
}
