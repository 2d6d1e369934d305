/** The network of the data path tests with its world loaded: pods that answer, an engine and a loop each node. */
import { createNftablesEngine, type NftablesEngine } from '../../../src/engine/nftables/engine.ts'
import { createReconciler, type Reconciler } from '../../../src/engine/reconcile.ts'
import { netnsPath } from '../../../src/linux/netns.ts'
import type { DataPathEntry } from '../../../src/model/datapath.ts'
import { changesOf, createPlanner } from '../../../src/plan/planner.ts'
import { type TestHost, TestNet } from './net.ts'
import { TEST_OPTIONS, testWorld } from './world.ts'

/** Engines and loops are in the order of the nodes. */
export class LoadedNet {
  readonly net = new TestNet()
  readonly engines: NftablesEngine[] = []
  readonly loops: Reconciler<DataPathEntry>[] = []

  async up(): Promise<void> {
    await this.net.up()
    for (const node of [0, 1]) {
      for (const id of [10, 11]) await this.net.serve(await this.net.addPod(node, id), 8080)
    }
    await this.net.serve(this.net.nodes[1] as TestHost, 9090)
    for (const node of this.net.nodes) {
      const engine = createNftablesEngine({ netns: netnsPath(node.ns) })
      const loop = createReconciler<DataPathEntry>({ engine })
      this.engines.push(engine)
      this.loops.push(loop)
      const world = testWorld()
      loop.want(createPlanner(node.name, TEST_OPTIONS).update(world, changesOf(world)))
      await loop.settled()
    }
  }

  async down(): Promise<void> {
    for (const loop of this.loops) await loop.stop()
    for (const engine of this.engines) await engine.close()
    await this.net.down()
  }

  /** @throws {Error} when there is none */
  host(name: string): TestHost {
    const found = [this.net.client, ...this.net.nodes, ...this.net.pods].find((host) => host.name === name)
    if (found === undefined) throw new Error(`no host ${name}`)
    return found
  }
}
