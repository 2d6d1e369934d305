/** New connections through a NodePort at 1, 1,000 and 10,000 Services, beside the same way routed without translation and kube-proxy's own rules. */
import { createNftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { netnsPath } from '../../src/linux/netns.ts'
import { FairwayError } from '../../src/model/code.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { proxyPorts } from '../datapath/kube-proxy/ports.ts'
import { PEERS, type Peer } from '../datapath/peer.ts'
import { type BenchWorld, benchWorld, HERE, PROXY_NODE } from '../datapath/services.ts'
import { runIn } from '../namespace.ts'
import { machine } from '../results.ts'
import { median, milliseconds, percentile, table } from '../statistics.ts'
import { Site } from './site.ts'

const SIZES = [1, 1_000, 10_000]
const ROUNDS = 5
const SECONDS = 2
const PROBES = 1_000
const LOAD_LIMIT_IN_MS = 60_000
const AIM = 0.85

type Say = (text: string) => void

/** One way to a pod. `load` puts its rules on the node; undefined for plain routing. Returns what ends it. */
interface Way {
  readonly name: string
  readonly load?: (namespace: string, world: BenchWorld) => Promise<() => Promise<void>>
}

interface Figures {
  readonly perSecond: number[]
  readonly latenciesInMs: number[]
}

interface Row {
  readonly services: number
  readonly ways: ReadonlyMap<string, Figures | string>
}

const ROUTED: Way = { name: 'routed' }
const FAIRWAY: Way = {
  name: 'Fairway',
  async load(namespace, world) {
    const engine = createNftablesEngine({ netns: netnsPath(namespace) })
    const failed = new AbortController()
    const reconciler = createReconciler({ engine, onRound: (round) => round.error && failed.abort(round.error) })
    reconciler.want(createPlanner(HERE.name).update(world, changesOf(world)))
    await reconciler.settled(AbortSignal.any([failed.signal, AbortSignal.timeout(LOAD_LIMIT_IN_MS)]))
    return async () => {
      await reconciler.stop()
      await engine.close()
    }
  },
}

function peerWay(peer: Peer): Way {
  return {
    name: peer.name,
    async load(namespace, world) {
      const ports = proxyPorts([...world.services.values()], [...world.endpointSlices.values()], PROXY_NODE)
      await runIn(namespace, peer.command, peer.load(ports), LOAD_LIMIT_IN_MS)
      return async () => {}
    },
  }
}

const WAYS: readonly Way[] = [ROUTED, FAIRWAY, ...PEERS.map(peerWay)]

/** Opens a site a way, measures them by turns, and returns the section of RESULTS.md. */
export async function measure(say: Say): Promise<string> {
  const rows: Row[] = []
  for (const services of SIZES) rows.push({ services, ways: await measureSize(services, say) })
  const where = await machine([
    ['nft', '--version'],
    ['wrk', '--version'],
    ['nginx', '-v'],
  ])
  return section(rows, where)
}

async function measureSize(services: number, say: Say): Promise<ReadonlyMap<string, Figures | string>> {
  const world = benchWorld(services)
  const ways = new Map<string, Figures | string>()
  const open: { readonly name: string; readonly site: Site; readonly end: () => Promise<void> }[] = []
  try {
    for (const { name, load } of WAYS) {
      const site = new Site()
      open.push({ name, site, end: async () => undefined })
      await site.open()
      const end = await attempt(async () => (await load?.(site.node, world)) ?? (async () => undefined))
      await site.shortenClosed()
      open.pop()
      open.push({ name, site, end: typeof end === 'string' ? async () => undefined : end })
      ways.set(name, typeof end === 'string' ? end : { perSecond: [], latenciesInMs: [] })
    }
    for (let round = 0; round < ROUNDS; round++) {
      // each way has each place in the order: what one leaves behind (closed connections, a warm cache) is the next one's
      const turn = round % open.length
      for (const { name, site } of [...open.slice(turn), ...open.slice(0, turn)]) {
        const figures = ways.get(name)
        if (figures === undefined || typeof figures === 'string') continue
        figures.perSecond.push(await site.connectionsPerSecond(name !== ROUTED.name, SECONDS))
        figures.latenciesInMs.push(...(await site.latencies(name !== ROUTED.name, PROBES)))
      }
      say(`${services} Services, round ${round + 1}: ${[...ways].map(([name, figures]) => describe(name, figures)).join(', ')}`)
    }
  } finally {
    for (const { site, end } of open) {
      await end()
      await site.close()
    }
  }
  return ways
}

function describe(name: string, figures: Figures | string): string {
  return `${name} ${typeof figures === 'string' ? 'skipped' : Math.round(figures.perSecond.at(-1) ?? 0)}`
}

/** What the action returns, or the sentence that says why there is nothing. */
async function attempt<T>(action: () => Promise<T>): Promise<T | string> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof FairwayError)) throw error
    return error.cause instanceof Error && error.cause.name === 'AbortError'
      ? `loading took more than ${LOAD_LIMIT_IN_MS / 1000} s`
      : (error.message.split('\n')[0]?.slice(0, 120) ?? 'failed')
  }
}

function section(rows: readonly Row[], where: string): string {
  return [
    '## Data path: new connections through a NodePort',
    '',
    `One client asks nginx in a pod through a node, each question on a new connection (wrk, 64 at once, ${SECONDS} s, ${ROUNDS} rounds by turns; medians). Client, node and`,
    'pods share the two cores, so a ratio is of the whole way, not of the rules alone. `routed` is the same way without any translation, straight to the pod.',
    'Latency: one connection after the other, from connect to the end of the answer; beside it what it has more than the routed one.',
    '',
    table(
      ['Services', 'way', 'of routed', 'new connections a second', 'latency p50', 'p99', 'added p50', 'added p99'],
      rows.flatMap(tableRows),
    ),
    '',
    verdict(rows),
    '',
    where,
  ].join('\n')
}

function tableRows({ services, ways }: Row): readonly (readonly string[])[] {
  const routed = ways.get(ROUTED.name)
  if (routed === undefined || typeof routed === 'string') throw new Error('the routed way was not measured')
  return [...ways].map(([name, figures]) => {
    const size = services.toLocaleString('en-US')
    if (typeof figures === 'string') return [size, name, `skipped: ${figures}`, '-', '-', '-', '-', '-']
    const at = (share: number, of: Figures) => percentile(of.latenciesInMs, share)
    return [
      size,
      name,
      `**${ratio(figures, routed).toFixed(2)}**`,
      Math.round(median(figures.perSecond)).toLocaleString('en-US'),
      milliseconds(at(0.5, figures)),
      milliseconds(at(0.99, figures)),
      ...(name === ROUTED.name ? ['-', '-'] : [0.5, 0.99].map((share) => milliseconds(at(share, figures) - at(share, routed)))),
    ]
  })
}

function ratio(figures: Figures, routed: Figures): number {
  return median(figures.perSecond.map((value, round) => value / (routed.perSecond[round] ?? Number.NaN)))
}

function verdict(rows: readonly Row[]): string {
  const ratios = rows.map(({ ways }) => {
    const [own, routed] = [ways.get(FAIRWAY.name), ways.get(ROUTED.name)]
    return typeof own === 'object' && typeof routed === 'object' ? ratio(own, routed) : Number.NaN
  })
  const text = ratios.map((value) => value.toFixed(2)).join(', ')
  const met = ratios.every((value) => value >= AIM)
  return `Aim: ${AIM} of routed at every size, flat: ${met ? 'met' : 'missed'} (${text} at ${SIZES.map((size) => size.toLocaleString('en-US')).join(', ')} Services).`
}
