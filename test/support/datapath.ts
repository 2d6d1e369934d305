/** Planner, renderer and fake kernel of one node, for tests that end in traced packets. */
import { TransportEngine } from '../../src/engine/nftables/engine.ts'
import { FakeNftables } from '../../src/engine/nftables/fake.ts'
import type { LoopbackSwitch } from '../../src/engine/nftables/loopback.ts'
import type { Trace, TracedPacket } from '../../src/engine/nftables/passage.ts'
import { Tracer } from '../../src/engine/nftables/trace.ts'
import type { Family, NodeName, World } from '../../src/model/world.ts'
import type { PlannerOptions } from '../../src/plan/options.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'

export const NO_LOOPBACK: LoopbackSwitch = {
  watch: async () => undefined,
  allow: () => undefined,
  forget: () => undefined,
  close: async () => undefined,
}
export const NEVER = new AbortController().signal

export function fakeEngine(fake = new FakeNftables()): TransportEngine {
  return new TransportEngine(fake, NO_LOOPBACK)
}

/** The tracers of one node's tables, by family; a family without a table has one that lets everything pass. */
export async function tracersOf(fake: FakeNftables): Promise<Readonly<Record<Family, Tracer>>> {
  return { ipv4: new Tracer(fake.list('ip') ?? []), ipv6: new Tracer(fake.list('ip6') ?? []) }
}

export async function nodeOf(world: World, name: NodeName, options?: PlannerOptions): Promise<Readonly<Record<Family, Tracer>>> {
  const fake = new FakeNftables()
  await fakeEngine(fake).apply(createPlanner(name, options).update(world, changesOf(world)), NEVER)
  return tracersOf(fake)
}

/** Every way that a packet may go: one trace each backend that can be drawn. */
export function everyTrace(tracer: Tracer, packet: TracedPacket, isLocal: (address: string) => boolean): readonly Trace[] {
  let count = 1
  const traces: Trace[] = []
  for (let draw = 0; draw < count; draw += 1) {
    const node = {
      isLocal,
      draw: (of: number) => {
        count = of
        return draw
      },
    }
    traces.push(tracer.trace(packet, node))
  }
  return traces
}
