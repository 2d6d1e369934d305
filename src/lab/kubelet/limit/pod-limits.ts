/** The limits of one pod's containers, and the control groups that hold them to those. */
import { join } from 'node:path'
import type { Container } from '../../../kube/types.ts'
import { quantity } from '../../controllers/node-room.ts'
import { baseFor, type Limits, makeGroup, oomKills, removeGroup } from './cgroup.ts'
import { CONTROLLERS, type Controller, type Hierarchy } from './hierarchy.ts'

/** What holds one run of a container. */
export interface Hold {
  /** The files that a process writes itself to. */
  readonly files: readonly string[]
  /** Whether the kernel has ended a process of it for want of memory since it began. */
  oomKilled(): boolean
}

export interface LimitContext {
  readonly hierarchies: readonly Hierarchy[]
  /** Of the pod's groups, below the base of a tree: `fairway-LAB/NODE/UID`. */
  readonly path: string
  /** Tells that limits of a kind are not held, at most once a kind. */
  unheld(message: string): void
}

export class PodLimits {
  readonly #context: LimitContext
  readonly #told = new Set<Controller>()
  readonly #used = new Set<string>()

  constructor(context: LimitContext) {
    this.#context = context
  }

  /** Makes the groups of a container that has limits; where the machine does not let us, it runs without. */
  hold(container: Container): Hold {
    const limits = limitsOf(container)
    const groups = CONTROLLERS.filter((each) => wanted(each, limits)).flatMap((each) => this.#make(container, each, limits))
    const before = groups.map(oomKills)
    return {
      files: groups.map((group) => join(group, 'cgroup.procs')),
      oomKilled: () => groups.some((group, index) => oomKills(group) > (before[index] ?? 0)),
    }
  }

  /** Removes them; the containers must have ended. */
  async release(): Promise<void> {
    await Promise.all([...this.#used].map((base) => removeGroup(join(base, this.#context.path))))
  }

  #make(container: Container, controller: Controller, limits: Limits): readonly string[] {
    const { hierarchies, path } = this.#context
    const bases = hierarchies.map((each) => ({ version: each.version, base: baseFor(each, controller) }))
    const found = bases.find(({ base }) => base !== undefined)
    if (found?.base === undefined) {
      this.#tell(controller, `it has no cgroups for ${controller}`)
      return []
    }
    const { version, base } = found
    try {
      this.#used.add(base)
      return [makeGroup({ version, base, path: `${path}/${container.name}` }, controller, limits)]
    } catch (error) {
      this.#tell(controller, error instanceof Error ? error.message : String(error))
      return []
    }
  }

  #tell(controller: Controller, why: string): void {
    if (this.#told.has(controller)) return
    this.#told.add(controller)
    this.#context.unheld(
      `This machine does not let the lab hold containers to their ${controller} limits (${why}); they run without.`,
    )
  }
}

function wanted(controller: Controller, { cpus, memoryInBytes }: Limits): boolean {
  return (controller === 'cpu' ? cpus : memoryInBytes) !== undefined
}

/** A limit of 0 is none, as for a kubelet. */
export function limitsOf({ resources }: Container): Limits {
  const { cpu = '0', memory = '0' } = resources?.limits ?? {}
  const [cpus, memoryInBytes] = [quantity(cpu), quantity(memory)]
  return { ...(cpus > 0 ? { cpus } : {}), ...(memoryInBytes > 0 ? { memoryInBytes } : {}) }
}
