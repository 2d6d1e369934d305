/** Pods that come and go by the thousand, on the way that they take to a neighbour: planner, reconciler, BIRD, and a BIRD that listens. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type BirdEngine, createBirdEngine } from '../../src/engine/bird/engine.ts'
import { ipBatch, netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { Collector } from './bgp-collector.ts'
import { PodRoutePath, podAddress } from './pod-route-path.ts'
import { until } from './until.ts'

const PODS = 10_000
const CHANGES_A_SECOND = 1_000
const TICK_IN_MS = 10
const [OWN, PEER, NAME] = ['192.0.2.1', '192.0.2.2', 'node']

export interface ChurnResult {
  readonly changes: number
  readonly tookInS: number
  /** What the neighbour has in the end, and what it should have: sorted prefixes. */
  readonly heard: readonly string[]
  readonly wanted: readonly string[]
}

/** `up` and `down` around each use; `down` also when `up` failed. */
export class Churn {
  private readonly node = `fwt-churn-n-${process.pid}`
  private readonly router = `fwt-churn-r-${process.pid}`
  private readonly folder = mkdtempSync(join(tmpdir(), 'fwt-churn-'))
  private readonly engine: BirdEngine = createBirdEngine({ directory: join(this.folder, 'node'), netns: netnsPath(this.node) })
  private collector: Collector | undefined
  private path: PodRoutePath | undefined
  /** Numbers of pods that are there. */
  private readonly there: number[] = []
  private readonly gone: number[] = []

  /** Ends with 10,000 pods announced and heard. */
  async up(): Promise<void> {
    for (const name of [this.node, this.router]) await run(['ip', 'netns', 'add', name])
    await run(['ip', 'link', 'add', 'e0', 'netns', this.node, 'type', 'veth', 'peer', 'name', 'e0', 'netns', this.router])
    await ipBatch(this.node, [`addr add ${OWN}/24 dev e0`, 'link set e0 up'])
    await ipBatch(this.router, [`addr add ${PEER}/24 dev e0`, 'link set e0 up'])
    this.collector = await Collector.start(this.router, join(this.folder, 'router'), [{ name: NAME, address: OWN, own: PEER }])
    this.path = new PodRoutePath(this.engine, { own: OWN, peer: PEER })
    for (let at = 0; at < 2 * PODS; at++) (at < PODS ? this.there : this.gone).push(at)
    this.path.change(this.there.map(podAddress), [])()
    await this.collector.whenCount(NAME, PODS)
  }

  /** A thousand changes a second, half of them pods that come and half pods that go, by the clock: what is late is made up for. */
  async run(seconds: number): Promise<ChurnResult> {
    const random = randomOf(seconds)
    const startedAt = performance.now()
    let changes = 0
    while (changes < seconds * CHANGES_A_SECOND) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * CHANGES_A_SECOND)
      const pairs = Math.floor((Math.min(due, seconds * CHANGES_A_SECOND) - changes) / 2)
      if (pairs > 0) this.swap(pairs, random)
      changes += 2 * pairs
      await sleep(TICK_IN_MS)
    }
    const tookInS = (performance.now() - startedAt) / 1_000
    const { wanted, reconciler } = this.parts.path
    await reconciler.settled()
    return { changes, tookInS, wanted, heard: await this.heardAtLast(wanted) }
  }

  async down(): Promise<void> {
    await this.path?.reconciler.stop()
    await this.engine.cleanup()
    await this.collector?.end()
    for (const name of [this.node, this.router]) await tryRun(['ip', 'netns', 'del', name])
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** What the neighbour has as soon as that is what is wanted; what it has after ten seconds if it never is. */
  private async heardAtLast(wanted: readonly string[]): Promise<readonly string[]> {
    const all = () => this.parts.collector.prefixes(NAME)
    return until(all, (heard) => isDeepStrictEqual(heard, wanted)).catch(all)
  }

  private get parts(): { readonly path: PodRoutePath; readonly collector: Collector } {
    if (this.path === undefined || this.collector === undefined) throw new Error('it is not up')
    return { path: this.path, collector: this.collector }
  }

  /** So many pods go, and others that were not there come: their number stays, what they are does not. */
  private swap(pairs: number, random: () => number): void {
    for (let index = 0; index < pairs; index++) {
      const [from, to] = [Math.floor(random() * this.there.length), Math.floor(random() * this.gone.length)]
      const [leaves = 0, comes = 0] = [this.there[from], this.gone[to]]
      this.there[from] = comes
      this.gone[to] = leaves
      this.parts.path.change([podAddress(comes)], [podAddress(leaves)])()
    }
  }
}

/** The same numbers, 0 to 1, for the same seed. Source: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
