/** Session affinity as the rendered rules have it, followed flow by flow with the memory of the table. */
import { describe, expect, it } from 'vitest'
import { NEVER, NO_LOOPBACK } from '../../../test/support/datapath.ts'
import { type BackendGroup, type DataPathEntry, type Frontend, frontendKey } from '../../model/datapath.ts'
import { TransportEngine } from './engine.ts'
import { FakeNftables } from './fake.ts'
import { Tracer } from './trace.ts'
import { Memory } from './trace-memory.ts'

describe.each(['ipv4', 'ipv6'] as const)('affinity in the rules, %s', (family) => {
  const six = family === 'ipv6'
  const pod = (id: number) => (six ? `fd00::${id}` : `10.0.0.${id}`)
  const client = (id: number) => (six ? `2001:db8::${id}` : `192.0.2.${id}`)
  const service = six ? 'fd00:96::1' : '10.96.0.1'
  const key = `a/cluster/${family}`
  const group = (affinityInSeconds: number, ...ids: number[]): BackendGroup => {
    const backends = ids.map((id) => ({ address: pod(id), port: 80 }))
    return {
      kind: 'group',
      key,
      family,
      masquerade: 'outsiders',
      whenEmpty: 'refuse',
      affinityInSeconds,
      sourceRanges: [],
      backends,
    }
  }
  const at = { at: 'address', from: 'anywhere', family, address: service, protocol: 'udp', port: 80 } as const
  const frontend: Frontend = { kind: 'frontend', key: frontendKey(at), ...at, group: key }

  async function start() {
    const fake = new FakeNftables()
    const engine = new TransportEngine(fake, NO_LOOPBACK)
    const memory = new Memory()
    const become = (...upserts: DataPathEntry[]) => engine.apply({ upserts, removals: [] }, NEVER)
    /** Whom a client's new flow comes to when the rules would draw backend number `draw`. */
    const ask = (id: number, draw: number): string => {
      const node = { isLocal: () => false, draw: (count: number) => draw % count, memory }
      const packet = {
        family,
        protocol: 'udp',
        from: client(id),
        fromPort: 4000,
        to: service,
        port: 80,
        interface: 'eth0',
      } as const
      return new Tracer(fake.list(six ? 'ip6' : 'ip') ?? []).trace(packet, node).to
    }
    await become(group(60, 1, 2, 3), frontend)
    return { memory, become, ask }
  }

  it('keeps a client where it is for the time after its last flow, and no other client', async () => {
    const { memory, ask } = await start()
    expect(ask(1, 0)).toBe(pod(1))
    expect(ask(2, 1)).toBe(pod(2))
    for (let turn = 0; turn < 5; turn += 1) {
      memory.nowInSeconds += 59
      expect([ask(1, 2), ask(2, 2)]).toEqual([pod(1), pod(2)])
    }
    memory.nowInSeconds += 60
    expect(ask(1, 2)).toBe(pod(3))
  })

  it('moves a client for good when its endpoint leaves, whoever takes its place, and leaves the others alone', async () => {
    const { become, ask } = await start()
    expect([ask(1, 0), ask(2, 1), ask(3, 2)]).toEqual([pod(1), pod(2), pod(3)])
    await become(group(60, 2, 3, 4))
    const moved = ask(1, 0)
    expect(moved).not.toBe(pod(1))
    for (const draw of [0, 1, 2]) expect([ask(1, draw), ask(2, draw), ask(3, draw)]).toEqual([moved, pod(2), pod(3)])
    await become(group(60, 1, 2, 3, 4))
    for (const draw of [0, 1, 2, 3]) expect(ask(1, draw)).toBe(moved)
  })

  it('is nothing when it is off, and starts where it was when it is on again in time', async () => {
    const { become, ask } = await start()
    expect(ask(1, 0)).toBe(pod(1))
    await become(group(0, 1, 2, 3))
    expect([ask(1, 0), ask(1, 1), ask(1, 2)]).toEqual([pod(1), pod(2), pod(3)])
    await become(group(60, 1, 2, 3))
    expect(ask(1, 2)).toBe(pod(1))
  })
})
