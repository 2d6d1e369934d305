/** kube-proxy's rules for the same Services, loaded and changed with kube-proxy's own tools. What makes their text is not timed. */
import { FairwayError } from '../../src/model/code.ts'
import { inFreshNamespace, runIn } from '../namespace.ts'
import { timed } from '../statistics.ts'
import { iptablesChange, iptablesRules, restoreInput } from './kube-proxy/iptables.ts'
import { nftChange, nftInput, nftTable } from './kube-proxy/nftables.ts'
import { type ProxyPort, proxyPorts } from './kube-proxy/ports.ts'
import { type BenchWorld, PROXY_NODE, replacedEndpoint } from './services.ts'

/** One way that kube-proxy writes its rules. */
export interface Peer {
  readonly name: string
  readonly command: readonly string[]
  /** What each sync reads before it writes; its output goes nowhere. */
  readonly survey?: readonly string[]
  load(ports: readonly ProxyPort[]): string
  change(ports: readonly ProxyPort[], before: ProxyPort, after: ProxyPort): string
}

export interface Limits {
  readonly loadInMs: number
  readonly changeInMs: number
  readonly changes: number
}

/** Times in milliseconds, or why there are none. A change is survey and write. */
export type PeerResult =
  | {
      readonly loadInMs: number
      readonly changesInMs: readonly number[]
      readonly writesInMs: readonly number[]
      readonly note?: string
    }
  | { readonly skipped: string }

// kube-proxy waits for the xtables lock and keeps the counters of chains it does not own.
const RESTORE = ['-w', '5', '--noflush', '--counters']
const IPTABLES = { family: 'ipv4', nfacct: false } as const

function iptables(name: string, program: string): Peer {
  return {
    name,
    command: [program, ...RESTORE],
    load: (ports) => restoreInput(iptablesRules(ports, PROXY_NODE, IPTABLES)),
    change: (ports, _before, after) => iptablesChange(iptablesRules(ports, PROXY_NODE, IPTABLES), [after], PROXY_NODE),
  }
}

export const PEERS: readonly Peer[] = [
  {
    name: 'kube-proxy, nftables',
    command: ['nft', '-f', '-'],
    // Every sync looks for stale chains and sets: sigs.k8s.io/knftables (List) reads the whole table for it.
    survey: ['nft', '--json', 'list', 'table', 'ip', 'kube-proxy'],
    load: (ports) => nftInput(nftTable(ports, PROXY_NODE)),
    change: (_ports, before, after) => nftChange(before, after, PROXY_NODE),
  },
  iptables('kube-proxy, iptables (nft backend)', 'iptables-nft-restore'),
  iptables('kube-proxy, iptables (legacy backend)', 'iptables-legacy-restore'),
]

/** Loads everything into a fresh namespace, then replaces one endpoint at a time. Never rejects: what fails is a result. */
export async function measurePeer(peer: Peer, world: BenchWorld, limits: Limits): Promise<PeerResult> {
  const ports = proxyPorts([...world.services.values()], [...world.endpointSlices.values()], PROXY_NODE)
  const load = peer.load(ports)
  const changes = Array.from({ length: limits.changes }, (_, round) => changeInput(peer, world, ports, round))
  return inFreshNamespace(async (namespace) => {
    const loaded = await attempt(() => runIn(namespace, peer.command, load, limits.loadInMs))
    if (typeof loaded === 'string') return { skipped: `load: ${loaded}` }
    const changesInMs: number[] = []
    const writesInMs: number[] = []
    for (const change of changes) {
      const { survey = [] } = peer
      const read = survey.length === 0 ? 0 : await attempt(() => runIn(namespace, survey, '', limits.changeInMs))
      const written = await attempt(() => runIn(namespace, peer.command, change, limits.changeInMs))
      if (typeof read === 'string' || typeof written === 'string') {
        return { loadInMs: loaded, changesInMs, writesInMs, note: `change: ${typeof read === 'string' ? read : written}` }
      }
      changesInMs.push(read + written)
      writesInMs.push(written)
    }
    return { loadInMs: loaded, changesInMs, writesInMs }
  })
}

/** What one change makes kube-proxy write: Services spread over the list, a ClusterIP one and a NodePort one by turns. */
function changeInput(peer: Peer, world: BenchWorld, ports: readonly ProxyPort[], round: number): string {
  const index = Math.floor((world.services.size / 10) * (round % 10)) + (round % 2)
  const before = ports[index]
  const service = before?.service
  if (before === undefined || service === undefined) throw new Error(`there is no Service ${index}`)
  const [after = before] = proxyPorts([service], [replacedEndpoint(world, index, round)], PROXY_NODE)
  return peer.change(ports.with(index, after), before, after)
}

/** Milliseconds, or the sentence that says what went wrong. */
async function attempt(action: () => Promise<void>): Promise<number | string> {
  try {
    return await timed(action)
  } catch (error) {
    if (!(error instanceof FairwayError)) throw error
    const cause = error.cause instanceof Error ? error.cause.name : ''
    return cause === 'AbortError' ? 'over the limit' : (error.message.split('\n')[0]?.slice(0, 120) ?? 'failed')
  }
}
