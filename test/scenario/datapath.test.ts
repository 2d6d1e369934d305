import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { FakeNftables } from '../../src/engine/nftables/fake.ts'
import type { Trace, TracedPacket } from '../../src/engine/nftables/passage.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import type { Converted } from '../../src/kube/converted.ts'
import {
  convertEndpointSlice,
  convertNode,
  convertPod,
  convertService,
  convertServiceCIDR,
} from '../../src/kube/world-objects.ts'
import { type BackendGroup, type DataPathEntry, familyOf } from '../../src/model/datapath.ts'
import type { Protocol, WorldChange } from '../../src/model/world.ts'
import type { PlannerOptions } from '../../src/plan/options.ts'
import { createPlanner, type Planner } from '../../src/plan/planner.ts'
import { emptyWorld, type MutableWorld, type Step, take } from '../support/arbitrary-world.ts'
import { everyTrace, fakeEngine, tracersOf } from '../support/datapath.ts'

const FOLDER = fileURLToPath(new URL('./datapath/', import.meta.url))
const NODE = 'optiplex-1'

interface Outcome {
  readonly planner: Planner
  readonly fake: FakeNftables
  readonly world: MutableWorld
}

const CONVERT: Readonly<
  Record<string, { readonly kind: Step['kind']; convert(raw: never): Converted<{ key: string } | { name: string }> }>
> = {
  Service: { kind: 'service', convert: convertService },
  EndpointSlice: { kind: 'endpointSlice', convert: convertEndpointSlice },
  Pod: { kind: 'pod', convert: convertPod },
  Node: { kind: 'node', convert: convertNode },
  ServiceCIDR: { kind: 'serviceCIDR', convert: convertServiceCIDR },
}

function stepsOf(yaml: string): readonly Step[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    const raw = document.toJS() as { kind: string }
    const known = CONVERT[raw.kind]
    if (known === undefined) throw new Error(`no kind ${raw.kind} in scenarios`)
    const { value } = known.convert(raw as never)
    if (value === undefined) return []
    return [{ kind: known.kind, key: 'key' in value ? value.key : value.name, after: value as never }]
  })
}

/** Plans and installs the steps, batch by batch, while transactions fail. */
async function play(batches: readonly (readonly Step[])[], options: PlannerOptions): Promise<Outcome> {
  const fake = new FakeNftables()
  let turn = 0
  fake.fault = () => {
    if (turn++ % 10 === 1) throw new Error('injected')
  }
  const world = emptyWorld()
  const planner = createPlanner(NODE, options)
  const loop = createReconciler<DataPathEntry>({ engine: fakeEngine(fake), minRetryInMs: 0 })
  for (const batch of batches) {
    for (const step of batch) take(world, step)
    loop.want(planner.update(world, batch as readonly WorldChange[]))
    await loop.settled()
  }
  await loop.stop()
  return { planner, fake, world }
}

function entryLine(entry: DataPathEntry): string {
  if (entry.kind === 'group') return `${entry.key} -> ${groupText(entry)}`
  return entry.kind === 'frontend' ? `${entry.key} -> ${entry.group}` : entry.key
}

function groupText({ backends, whenEmpty, affinityInSeconds, sourceRanges }: BackendGroup): string {
  const to = backends.map(({ address, port }) => `${address} ${port}`).join(', ') || whenEmpty
  const affinity = affinityInSeconds === 0 ? '' : `, affinity ${affinityInSeconds} s`
  return `${to}${affinity}${sourceRanges.length === 0 ? '' : `, from ${sourceRanges.join(' ')}`}`
}

/** `INTERFACE PROTOCOL FROM TO PORT`; the interface `self` is the node's own sending. */
async function outcomeLine({ fake, world }: Outcome, line: string): Promise<string> {
  const [via = '', protocol, from = '', to = '', port] = line.split(/\s+/)
  const tracers = await tracersOf(fake)
  const family = familyOf(to)
  const packet: TracedPacket = {
    family,
    protocol: protocol as Protocol,
    from,
    fromPort: 40_000,
    to,
    port: Number(port),
    interface: via === 'self' ? '' : via,
  }
  const own = world.nodes.get(NODE)?.addresses ?? []
  const isLocal = (address: string) => own.includes(address) || address.startsWith('127.') || address === '::1'
  const said = new Set(everyTrace(tracers[family], packet, isLocal).map(traceText))
  return `${line.replaceAll(/\s+/g, ' ')} -> ${[...said].toSorted().join(' | ')}`
}

function traceText(trace: Trace): string {
  if (trace.outcome === 'refused' || trace.outcome === 'dropped') return trace.outcome
  if (!trace.translated) return 'untouched'
  return `${trace.to} ${trace.port}${trace.masqueraded ? ' masqueraded' : ''}`
}

function partsOf(text: string): ReadonlyMap<string, string> {
  const parts = text.split(/^### (\w+)\n/m).slice(1)
  return new Map(parts.flatMap((part, index) => (index % 2 === 0 ? [[part, parts[index + 1] ?? '']] : [])))
}

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '')

async function render(text: string): Promise<string> {
  const parts = partsOf(text)
  const steps = stepsOf(parts.get('world') ?? '')
  const options = (parse(parts.get('options') ?? '') ?? {}) as PlannerOptions
  const one = await play(
    steps.map((step) => [step]),
    options,
  )
  const entries = [...one.planner.entries.values()].map(entryLine).toSorted()
  for (const batches of [
    [steps],
    [steps.toReversed()],
    [...steps, ...steps].map((step) => [step]),
    steps.toReversed().map((step) => [step]),
  ]) {
    const other = await play(batches, options)
    expect([...other.planner.entries.values()].map(entryLine).toSorted()).toEqual(entries)
    expect(other.planner.findings).toEqual(one.planner.findings)
  }
  const outcomes: string[] = []
  for (const line of linesOf(parts.get('packets') ?? '')) outcomes.push(await outcomeLine(one, line))
  const findings = one.planner.findings.map(({ code, message }) => `${code.code} ${message}`)
  const head = text.slice(0, text.indexOf('### '))
  const written = {
    ...(parts.has('options') ? { options: linesOf(parts.get('options') ?? '') } : {}),
    world: linesOf(parts.get('world') ?? ''),
    packets: linesOf(parts.get('packets') ?? ''),
    entries,
    outcomes,
    findings,
  }
  return `${head}${Object.entries(written)
    .map(([name, lines]) => `### ${name}\n${lines.join('\n')}${lines.length > 0 ? '\n' : ''}`)
    .join('\n')}`
}

describe('data path scenarios', () => {
  for (const name of readdirSync(FOLDER)) {
    it(name, async () => {
      const text = readFileSync(FOLDER + name, 'utf8')
      const rendered = await render(text)
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(FOLDER + name, rendered)
      else expect(rendered).toBe(text)
    })
  }
})
