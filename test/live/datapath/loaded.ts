/** The network of the data path tests with a world loaded: pods that answer, and a planner, an engine and a loop each node. */
import { createNftablesEngine, type NftablesEngine } from '../../../src/engine/nftables/engine.ts'
import { createReconciler, type Reconciler } from '../../../src/engine/reconcile.ts'
import { netnsPath } from '../../../src/linux/netns.ts'
import type { DataPathEntry } from '../../../src/model/datapath.ts'
import type { World } from '../../../src/model/world.ts'
import type { PlannerOptions } from '../../../src/plan/options.ts'
import { changesOf, createPlanner, type Planner } from '../../../src/plan/planner.ts'
import { type TestHost, TestNet } from './net.ts'
import { TEST_OPTIONS, testWorld } from './world.ts'

/** Planners, engines and loops are in the order of the nodes. */
export class LoadedNet {
  readonly net: TestNet
  readonly planners: Planner[] = []
  readonly engines: NftablesEngine[] = []
  readonly loops: Reconciler<DataPathEntry>[] = []
  private world: World
  private readonly options: PlannerOptions

  constructor(world: World = testWorld(), prefix?: string, options: PlannerOptions = {}) {
    this.world = world
    this.options = { ...TEST_OPTIONS, ...options }
    this.net = new TestNet(prefix)
  }

  async up(): Promise<void> {
    await this.net.up()
    for (const node of [0, 1]) {
      for (const id of [10, 11]) await this.net.serve(await this.net.addPod(node, id), 8080)
    }
    await this.net.serve(this.net.nodes[1] as TestHost, 9090)
    for (const node of this.net.nodes) {
      const engine = createNftablesEngine({ netns: netnsPath(node.ns) })
      this.engines.push(engine)
      this.loops.push(createReconciler<DataPathEntry>({ engine }))
      this.planners.push(createPlanner(node.name, this.options))
    }
    await this.become(this.world)
  }

  /** Loads another world in place of what is there; resolves when the kernel has it. */
  async become(world: World): Promise<void> {
    const changes = [...changesOf(this.world), ...changesOf(world)]
    this.world = world
    for (const [index, planner] of this.planners.entries()) {
      this.loops[index]?.want(planner.update(world, changes))
      await this.loops[index]?.settled()
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
