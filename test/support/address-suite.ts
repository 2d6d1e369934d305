/** What the node's interfaces must do under the address engine, the kernel's and those in memory: one suite, run on both. */
import { afterEach, describe, expect, it } from 'vitest'
import { TransportEngine } from '../../src/engine/address/engine.ts'
import type { AddressTransport } from '../../src/engine/address/transport.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { type AnnouncedAddress, announcedAddress } from '../../src/model/l2.ts'
import { NEVER } from './datapath.ts'

export const upsert = (...upserts: AnnouncedAddress[]) => ({ upserts, removals: [] })
export const entry = (address: string, ...interfaces: string[]) =>
  announcedAddress(address.includes(':') ? 'ipv6' : 'ipv4', address, interfaces.length > 0 ? interfaces : ['e0'])
const sorted = (map: ReadonlyMap<string, AnnouncedAddress>) =>
  [...map.values()].toSorted((one, other) => (one.key < other.key ? -1 : 1))

/** A node with interfaces e0 and e1 that are up, and no address of ours. */
export interface SuiteNode {
  /** Another transport to the same node at each call. */
  open(): AddressTransport
  /** What somebody else does. */
  place(address: string, name: string, prefixLength: number): Promise<void>
  take(address: string, name: string): Promise<void>
  /** `INTERFACE ADDRESS/LENGTH` of all but link-local ones, sorted. */
  addresses(): Promise<readonly string[]>
}

export function addressSuite(name: string, make: () => SuiteNode): void {
  const node = make()
  const open: TransportEngine[] = []
  const engine = (): TransportEngine => {
    const one = new TransportEngine(node.open())
    open.push(one)
    return one
  }
  const reread = async () => {
    const reader = engine()
    await reader.refresh(NEVER)
    return sorted(reader.observed)
  }
  afterEach(async () => {
    await engine().cleanup()
    await Promise.all(open.splice(0).map((one) => one.close()))
    for (const place of await node.addresses()) {
      const [on = '', address = ''] = place.split(' ')
      await node.take(address.replace(/\/.*/, ''), on)
    }
  })

  describe(name, () => {
    it('holds what is wanted, and it is read back', async () => {
      const entries = [
        entry('192.0.2.50'),
        entry('192.0.2.51', 'e0', 'e1'),
        entry('2001:db8::50'),
        entry('2001:db8::51', 'e1', 'e0'),
      ]
      const one = engine()
      await one.apply(upsert(...entries), NEVER)
      expect(one.findings).toEqual([])
      expect(await reread()).toEqual(entries)
      expect(await node.addresses()).toEqual([
        'e0 192.0.2.50/32',
        'e0 192.0.2.51/32',
        'e0 2001:db8::50/128',
        'e0 2001:db8::51/128',
        'e1 192.0.2.51/32',
        'e1 2001:db8::51/128',
      ])
    })

    it('upserts what is there, moves to another interface, and removes what is not', async () => {
      const one = engine()
      await one.apply(upsert(entry('192.0.2.50'), entry('2001:db8::50')), NEVER)
      await one.apply(upsert(entry('192.0.2.50')), NEVER)
      await one.apply(
        { upserts: [entry('192.0.2.50', 'e1')], removals: ['announced-address/2001:db8::50', 'announced-address/192.0.2.99'] },
        NEVER,
      )
      expect(await reread()).toEqual([entry('192.0.2.50', 'e1')])
      expect(await node.addresses()).toEqual(['e1 192.0.2.50/32'])
    })

    it('adopts another engine’s work and changes only what differs', async () => {
      await engine().apply(upsert(entry('192.0.2.50'), entry('192.0.2.51'), entry('2001:db8::50')), NEVER)
      const rounds: number[] = []
      const loop = createReconciler<AnnouncedAddress>({
        engine: engine(),
        onRound: (round) => rounds.push(round.upserts, round.removals),
      })
      loop.want(upsert(entry('192.0.2.50'), entry('192.0.2.52'), entry('2001:db8::50')))
      await loop.settled()
      await loop.stop()
      expect(rounds).toEqual([1, 1])
      expect(await node.addresses()).toEqual(['e0 192.0.2.50/32', 'e0 192.0.2.52/32', 'e0 2001:db8::50/128'])
    })

    it('leaves an address of others alone, and says so', async () => {
      await node.place('192.0.2.50', 'e0', 24)
      await node.place('2001:db8::50', 'e1', 128)
      const one = engine()
      await one.apply(upsert(entry('192.0.2.50'), entry('2001:db8::50'), entry('192.0.2.51')), NEVER)
      expect(one.findings.map(({ code, subjects }) => [code.name, ...subjects])).toEqual([
        ['L2_ADDRESS_FOREIGN', 'announced-address/192.0.2.50'],
        ['L2_ADDRESS_FOREIGN', 'announced-address/2001:db8::50'],
      ])
      expect(await reread()).toEqual([entry('192.0.2.51')])
      await one.cleanup()
      expect(await node.addresses()).toEqual(['e0 192.0.2.50/24', 'e1 2001:db8::50/128'])
    })

    it('takes over once the address of others is gone', async () => {
      await node.place('192.0.2.50', 'e0', 24)
      const one = engine()
      await one.apply(upsert(entry('192.0.2.50')), NEVER)
      const told = new Promise<void>((resolve) => one.onForeignChange(resolve))
      await node.take('192.0.2.50', 'e0')
      await told
      await one.apply(upsert(entry('192.0.2.50')), NEVER)
      expect(one.findings).toEqual([])
      expect(await node.addresses()).toEqual(['e0 192.0.2.50/32'])
    })

    it('announces on the interfaces that are there, and says which are not', async () => {
      const one = engine()
      await one.apply(upsert(entry('192.0.2.50', 'e0', 'e9'), entry('192.0.2.51', 'e9')), NEVER)
      expect(one.findings.map(({ code, subjects }) => [code.name, ...subjects])).toEqual([
        ['L2_INTERFACE_MISSING', 'announced-address/192.0.2.50'],
        ['L2_INTERFACE_MISSING', 'announced-address/192.0.2.51'],
      ])
      expect([...one.observed.keys()]).toEqual(['announced-address/192.0.2.50'])
      expect(await node.addresses()).toEqual(['e0 192.0.2.50/32'])
    })

    it.each(['192.0.2.50', '2001:db8::50'])('puts %s back when somebody takes it away', async (address) => {
      const one = engine()
      const back = Promise.withResolvers<void>()
      const loop = createReconciler<AnnouncedAddress>({
        engine: one,
        onRound: (round) => {
          if (round.refreshed && round.upserts === 1 && taken) back.resolve()
        },
      })
      let taken = false
      one.onForeignChange(() => loop.verify())
      loop.want(upsert(entry(address, 'e0', 'e1')))
      await loop.settled()
      const before = await node.addresses()
      taken = true
      await node.take(address, 'e1')
      await back.promise
      await loop.stop()
      expect(await node.addresses()).toEqual(before)
    })

    it('leaves nothing after the cleanup', async () => {
      const one = engine()
      await one.apply(upsert(entry('192.0.2.50', 'e0', 'e1'), entry('2001:db8::50')), NEVER)
      await one.cleanup()
      expect(await node.addresses()).toEqual([])
      const look = node.open()
      expect(await look.readAnswers()).toBeUndefined()
      expect(await look.load()).toEqual(new Map())
      await look.close()
    })
  })
}
