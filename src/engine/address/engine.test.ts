import { describe, expect, it, vi } from 'vitest'
import { addressSuite, entry, upsert } from '../../../test/support/address-suite.ts'
import { NEVER } from '../../../test/support/datapath.ts'
import type { AnnouncedAddress } from '../../model/l2.ts'
import { createReconciler } from '../reconcile.ts'
import { TransportEngine } from './engine.ts'
import { FakeAddresses } from './fake.ts'

addressSuite('interfaces in memory', () => {
  const fake = new FakeAddresses('e0', 'e1')
  const nameOf = (wanted: number) => [...fake.links.values()].find(({ index }) => index === wanted)?.name
  return {
    open: () => fake,
    place: async (address, name, prefixLength) => fake.place(address, name, prefixLength),
    take: async (address, name) => fake.take(address, name),
    addresses: async () =>
      [...fake.addresses.values()]
        .map(({ index, address, prefixLength }) => `${nameOf(index)} ${address}/${prefixLength}`)
        .toSorted(),
  }
})

describe('the address engine', () => {
  it('announces what it added, and only that', async () => {
    const fake = new FakeAddresses('e0', 'e1')
    const engine = new TransportEngine(fake)
    await engine.apply(upsert(entry('192.0.2.50')), NEVER)
    await engine.apply(upsert(entry('192.0.2.50', 'e0', 'e1'), entry('2001:db8::50')), NEVER)
    expect(fake.announced).toEqual(['e0 192.0.2.50', 'e1 192.0.2.50', 'e0 2001:db8::50'])
    await engine.announce(['announced-address/2001:db8::50', 'announced-address/192.0.2.77'])
    expect(fake.announced.slice(3)).toEqual(['e0 2001:db8::50'])
    await engine.close()
  })

  it('announces what was added when packets to it reach the node, and no family waits for the other', async () => {
    const fake = new FakeAddresses('e0')
    const delivered = Promise.withResolvers<void>()
    fake.settled = (placed) => (placed.some(({ family }) => family === 'ipv6') ? delivered.promise : Promise.resolve())
    const engine = new TransportEngine(fake)
    const applied = engine.apply(upsert(entry('192.0.2.50'), entry('2001:db8::50')), NEVER)
    await vi.waitFor(() => expect(fake.announced).toEqual(['e0 192.0.2.50']), { interval: 1 })
    delivered.resolve()
    await applied
    expect(fake.announced).toEqual(['e0 192.0.2.50', 'e0 2001:db8::50'])
    await engine.close()
  })

  it('announces anew what an interface holds that can send again', async () => {
    const fake = new FakeAddresses('e0', 'e1')
    const engine = new TransportEngine(fake)
    await engine.apply(upsert(entry('192.0.2.50'), entry('192.0.2.51', 'e1')), NEVER)
    fake.announced.length = 0
    fake.carry('e0', false)
    expect(fake.announced).toEqual([])
    fake.carry('e0', true)
    expect(fake.announced).toEqual(['e0 192.0.2.50'])
    await engine.close()
  })

  it('asks to be verified when an interface comes that it missed', async () => {
    const fake = new FakeAddresses('e0')
    const engine = new TransportEngine(fake)
    let told = 0
    engine.onForeignChange(() => (told += 1))
    await engine.apply(upsert(entry('192.0.2.50', 'e0', 'e1')), NEVER)
    fake.plug('e1')
    expect(told).toBe(1)
    await engine.close()
  })

  it('knows after a failure what is in and what is not', async () => {
    const fake = new FakeAddresses('e0')
    const engine = new TransportEngine(fake)
    let left = 2
    fake.fault = () => {
      if (left-- === 0) throw new Error('no space left on device')
    }
    await expect(engine.apply(upsert(entry('192.0.2.50')), NEVER)).rejects.toThrow('no space left on device')
    fake.fault = undefined
    await engine.refresh(NEVER)
    expect([...engine.observed.values()].map(({ interfaces }) => interfaces)).toEqual([[]]) // rules and memory are in, the address is not
    await engine.apply(upsert(entry('192.0.2.50')), NEVER)
    expect([...fake.addresses.keys()]).toEqual(['e0 192.0.2.50'])
    await engine.close()
  })

  it('is killed at any step: the next one knows what is there, ends as wanted, and can take all away', async () => {
    const others = (fake: FakeAddresses) => [...fake.addresses.values()].filter(({ bare }) => !bare).length
    let steps = 0
    for (let kill = 0, done = false; !done; kill += 1) {
      const fake = new FakeAddresses('e0', 'e1')
      fake.place('192.0.2.9', 'e0', 24)
      const first = new TransportEngine(fake)
      await first.apply(upsert(entry('192.0.2.50'), entry('2001:db8::50'), entry('192.0.2.51', 'e0', 'e1')), NEVER)
      steps = 0
      fake.fault = () => {
        if (steps++ >= kill) throw new Error('killed')
      }
      const change = { upserts: [entry('192.0.2.51', 'e1'), entry('192.0.2.52')], removals: ['announced-address/2001:db8::50'] }
      done = await first.apply(change, NEVER).then(
        () => true,
        () => false,
      )
      fake.fault = undefined
      const loop = createReconciler<AnnouncedAddress>({ engine: new TransportEngine(fake) })
      loop.want(upsert(entry('192.0.2.50'), entry('192.0.2.51', 'e1'), entry('192.0.2.52')))
      await loop.settled()
      await loop.stop()
      expect([...fake.addresses.keys()].toSorted()).toEqual(['e0 192.0.2.50', 'e0 192.0.2.52', 'e0 192.0.2.9', 'e1 192.0.2.51'])
      expect([...(fake.answers ?? [])].toSorted()).toEqual(['e0 192.0.2.50', 'e0 192.0.2.52', 'e1 192.0.2.51'])
      await new TransportEngine(fake).cleanup()
      expect([fake.addresses.size, fake.saved.size, fake.answers, others(fake)]).toEqual([1, 0, undefined, 1])
    }
    expect(steps).toBeGreaterThan(4) // it was killed at each of these
  })

  it('says what the kernel refuses, and why, and does the rest', async () => {
    const fake = new FakeAddresses('e0', 'e1')
    fake.refuses.set('e0 2001:db8::50', 'EACCES')
    const engine = new TransportEngine(fake)
    await engine.apply(upsert(entry('2001:db8::50'), entry('192.0.2.50')), NEVER)
    expect(engine.findings.map(({ code, message }) => [code.name, message])).toEqual([
      ['L2_ADDRESS_REFUSED', 'The kernel does not take 2001:db8::50 on e0: EACCES.'],
    ])
    expect([...engine.observed.keys()]).toEqual(['announced-address/192.0.2.50'])
    await engine.close()
  })

  it('reports who else claims an announced address, and nothing else', async () => {
    const fake = new FakeAddresses('e0', 'e1')
    const engine = new TransportEngine(fake)
    const conflicts: unknown[] = []
    await engine.onConflict((conflict) => conflicts.push(conflict))
    await engine.apply(upsert(entry('192.0.2.50')), NEVER)
    const claim = { address: '192.0.2.50', interface: 'e0', mac: '02:00:00:00:00:77' }
    fake.claim({ ...claim, interface: 'e1' })
    fake.claim({ ...claim, address: '192.0.2.51' })
    fake.claim(claim)
    expect(conflicts).toEqual([claim])
    await engine.close()
  })

  it('probes: an answer, silence, no such interface', async () => {
    const fake = new FakeAddresses('e0')
    fake.neighbours.add('e0 192.0.2.2')
    const engine = new TransportEngine(fake)
    expect(await engine.probe('192.0.2.2', 'e0', 60_000)).toBe(true)
    expect(await engine.probe('192.0.2.3', 'e0', 1)).toBe(false)
    expect(await engine.probe('192.0.2.2', 'e9', 60_000)).toBe(false)
    await engine.close()
  })
})
