/** The data path of one node at 1,000, 5,000 and 10,000 Services of ten endpoints: full load, and one endpoint change. */
import { machine } from '../results.ts'
import { median, milliseconds, percentile, table, times } from '../statistics.ts'
import { type FairwayResult, measureFairway } from './fairway.ts'
import { type Limits, measurePeer, PEERS, type Peer, type PeerResult } from './peer.ts'
import { benchWorld, ENDPOINTS_EACH } from './services.ts'

const SIZES = [1_000, 5_000, 10_000]
const LOADS = 3
const CHANGES = 300
const LIMITS: Limits = { loadInMs: 90_000, changeInMs: 30_000, changes: 6 }
const AIM = { loadInMs: 2_000, changeInMs: 5 }

type Say = (text: string) => void

interface Row {
  readonly services: number
  readonly fairway: readonly FairwayResult[]
  readonly peers: ReadonlyMap<string, PeerResult>
}

/** Measures both sides by turns, size by size, and returns the section of RESULTS.md. */
export async function measure(say: Say): Promise<string> {
  const rows: Row[] = []
  const beyond = new Map<string, string>()
  for (const services of SIZES) {
    const fairway: FairwayResult[] = []
    for (let load = 0; load < LOADS; load++) {
      const result = await measureFairway(benchWorld(services), CHANGES)
      say(
        `${services} Services, Fairway: load ${milliseconds(result.loadInMs)}, one change ${milliseconds(median(result.changesInMs))}`,
      )
      fairway.push(result)
    }
    rows.push({ services, fairway, peers: await measurePeers(services, beyond, say) })
  }
  return section(
    rows,
    await machine([
      ['nft', '--version'],
      ['iptables-nft', '--version'],
      ['iptables-legacy', '--version'],
    ]),
  )
}

async function measurePeers(services: number, beyond: Map<string, string>, say: Say): Promise<ReadonlyMap<string, PeerResult>> {
  const results = new Map<string, PeerResult>()
  for (const peer of PEERS) {
    const result = await measureOnce(peer, services, beyond)
    say(`${services} Services, ${peer.name}: ${describe(result)}`)
    results.set(peer.name, result)
  }
  return results
}

/** A peer that was over the limit at a smaller size is not asked again. */
async function measureOnce(peer: Peer, services: number, beyond: Map<string, string>): Promise<PeerResult> {
  const reason = beyond.get(peer.name)
  if (reason !== undefined) return { skipped: reason }
  const result = await measurePeer(peer, benchWorld(services), LIMITS)
  if ('skipped' in result) beyond.set(peer.name, `${result.skipped} at ${services.toLocaleString('en-US')}`)
  return result
}

function describe(result: PeerResult): string {
  if ('skipped' in result) return `skipped, ${result.skipped}`
  const note = result.note === undefined ? '' : `, ${result.note}`
  return `load ${milliseconds(result.loadInMs)}, one change ${milliseconds(median(result.changesInMs))}${note}`
}

function section(rows: readonly Row[], where: string): string {
  const last = rows.at(-1)
  return [
    '## Data path: Services of one node',
    '',
    `Services with ${ENDPOINTS_EACH} endpoints each, one in ten with a NodePort; each load in a fresh network namespace. kube-proxy's rules are those of`,
    `version 1.36, loaded by its own tools (limit ${LIMITS.loadInMs / 1000} s a load); the time that kube-proxy itself takes to make their text is left out, while Fairway's times`,
    "hold its planning. A change replaces one endpoint; kube-proxy's change is what its partial sync writes, in nftables mode after the list of its table that each sync begins with.",
    '',
    table(
      ['Services', 'beside', 'load', 'one change', 'load, absolute', 'change, median', 'change, worst', 'of which its write'],
      rows.flatMap((row) => peerRows(row)),
    ),
    '',
    table(
      [
        'Services',
        'Fairway load, median',
        'worst',
        'of which planning',
        'change, median',
        'p99',
        'worst',
        'endpoint count change, median',
        'p99',
      ],
      rows.map(fairwayRow),
    ),
    '',
    ...(last === undefined ? [] : [verdict(last), '']),
    where,
  ].join('\n')
}

const figure = (services: number) => services.toLocaleString('en-US')
const loads = (row: Row) => row.fairway.map((result) => result.loadInMs)
const changes = (row: Row) => row.fairway.flatMap((result) => result.changesInMs)
const counts = (row: Row) => row.fairway.flatMap((result) => result.countChangesInMs)

function peerRows(row: Row): readonly (readonly string[])[] {
  return [...row.peers].map(([name, result]) => {
    if ('skipped' in result) return [figure(row.services), name, `skipped: ${result.skipped}`, '-', '-', '-', '-', '-']
    const change = median(result.changesInMs)
    return [
      figure(row.services),
      name,
      `**${times(result.loadInMs, median(loads(row)))}**`,
      result.note ?? `**${times(change, median(changes(row)))}**`,
      milliseconds(result.loadInMs),
      milliseconds(change),
      milliseconds(percentile(result.changesInMs, 1)),
      milliseconds(median(result.writesInMs)),
    ]
  })
}

function fairwayRow(row: Row): readonly string[] {
  const plan = median(row.fairway.map((result) => result.planInMs))
  const worst = (values: readonly number[], share: number) => milliseconds(percentile(values, share))
  return [
    figure(row.services),
    milliseconds(median(loads(row))),
    worst(loads(row), 1),
    milliseconds(plan),
    milliseconds(median(changes(row))),
    worst(changes(row), 0.99),
    worst(changes(row), 1),
    milliseconds(median(counts(row))),
    worst(counts(row), 0.99),
  ]
}

function verdict(row: Row): string {
  const load = median(loads(row))
  const change = percentile(changes(row), 0.99)
  const word = (value: number, aim: number) => (value <= aim ? 'met' : 'missed')
  return (
    `Aims at ${figure(row.services)}: load in ${milliseconds(AIM.loadInMs)} ${word(load, AIM.loadInMs)} (${milliseconds(load)}); ` +
    `one change in ${milliseconds(AIM.changeInMs)} at p99 ${word(change, AIM.changeInMs)} (${milliseconds(change)}).`
  )
}
