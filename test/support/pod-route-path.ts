/** The way that pods take to a neighbour, without an API server: planner, reconciler and the node's BIRD, with pods that come and go. */
import type { BirdEngine } from '../../src/engine/bird/engine.ts'
import { createReconciler, type Reconciler } from '../../src/engine/reconcile.ts'
import type { BgpEntry } from '../../src/model/bgp.ts'
import type { Pod } from '../../src/model/world.ts'
import { type BgpChange, type BgpInput, type BgpPlanner, createBgpPlanner } from '../../src/plan/bgp.ts'
import { COLLECTOR_AS, SPEAKER_AS } from './bgp-collector.ts'
import { aBgpConfig, anAdvertisement, aPeer } from './bgp-config.ts'
import { aNode, aPod, aWorld } from './world.ts'

const NODE = 'n1'

/** Where the node and its one neighbour are. */
export interface Ends {
  readonly own: string
  readonly peer: string
}

/** Construct it and BIRD starts, with no pod yet. Pods are told apart by their addresses. */
export class PodRoutePath {
  readonly reconciler: Reconciler<BgpEntry>
  private readonly planner: BgpPlanner = createBgpPlanner(NODE, { kernelTable: 0 })
  private readonly pods = new Map<string, Pod>()
  private readonly input: BgpInput

  constructor(engine: BirdEngine, { own, peer }: Ends) {
    const part = { peerAddress: peer, sourceAddress: own, localAs: SPEAKER_AS, peerAs: COLLECTOR_AS, connectInS: 1 }
    const config = aBgpConfig({
      peers: [aPeer('collector', part)],
      advertisements: [anAdvertisement('pods', { pods: { selector: [], namespaces: [] } })],
    })
    const world = aWorld({ nodes: [aNode(NODE, { addresses: [own], podCIDRs: ['10.200.0.0/16'] })] })
    this.input = { world: { ...world, pods: this.pods }, config, drain: 'none' }
    this.reconciler = createReconciler({ engine })
    this.plan([])
  }

  /** The prefixes that are to be announced, sorted. */
  get wanted(): readonly string[] {
    const routes = [...this.planner.entries.values()].flatMap((entry) => (entry.kind === 'route' ? entry.prefix : []))
    return routes.sort()
  }

  /** Makes the pods, and returns what takes them as the agent takes a batch of changes: at once, and without a wait. */
  change(added: readonly string[], removed: readonly string[]): () => void {
    const pods = added.map((address) => aPod(keyOf(address), NODE, { addresses: [address] }))
    const gone = removed.map(keyOf)
    const changes = [...pods.map(({ key }) => key), ...gone].map((key): BgpChange => ({ kind: 'pod', key }))
    return () => {
      for (const pod of pods) this.pods.set(pod.key, pod)
      for (const key of gone) this.pods.delete(key)
      this.plan(changes)
    }
  }

  private plan(changes: readonly BgpChange[]): void {
    this.reconciler.want(this.planner.update(this.input, changes))
  }
}

function keyOf(address: string): string {
  return `default/pod-${address.replaceAll('.', '-')}`
}

/** The address of the pod of this number, 0 to 65,535. */
export function podAddress(at: number): string {
  return `10.200.${Math.floor(at / 256)}.${at % 256}`
}
