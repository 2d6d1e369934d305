/** One container's control groups: one in each tree that holds it to something. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Controller, Hierarchy } from './hierarchy.ts'

/** What a container may use. */
export interface Limits {
  readonly cpus?: number
  readonly memoryInBytes?: number
}

const PERIOD_IN_US = 100_000
/** These are there only where the kernel accounts for swap; with them, memory does not move there. */
const SWAP_FILES: ReadonlySet<string> = new Set(['memory.swap.max', 'memory.memsw.limit_in_bytes'])
/** The kernel takes no less. */
const LEAST_QUOTA_IN_US = 1_000
const REMOVE_TRIES = 50
const REMOVE_STEP_IN_MS = 10

/** The files of a group and what goes into them. Source: kernel, Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst. */
export function limitFiles(version: 1 | 2, controller: Controller, limits: Limits): readonly (readonly [string, string])[] {
  const { cpus, memoryInBytes } = limits
  if (controller === 'memory') {
    if (memoryInBytes === undefined) return []
    const bytes = String(Math.floor(memoryInBytes))
    if (version === 2)
      return [
        ['memory.max', bytes],
        ['memory.swap.max', '0'],
      ]
    return [
      ['memory.limit_in_bytes', bytes],
      ['memory.memsw.limit_in_bytes', bytes],
    ]
  }
  if (cpus === undefined) return []
  const quota = String(Math.max(LEAST_QUOTA_IN_US, Math.round(cpus * PERIOD_IN_US)))
  if (version === 2) return [['cpu.max', `${quota} ${PERIOD_IN_US}`]]
  return [
    ['cpu.cfs_period_us', String(PERIOD_IN_US)],
    ['cpu.cfs_quota_us', quota],
  ]
}

/**
 * The group below which groups with a controller can be made; undefined where there is none.
 *
 * The old version lets groups stand beside processes: they go below our own, so that whatever holds us holds them. In the unified tree a group
 * has processes or groups with controllers, never both: they go to its top, where controllers are on as on machines with systemd (the top is
 * the machine's: nothing is switched on there), else below our own if that can have them.
 * Source: cgroups(7); docker's cgroupfs driver.
 */
export function baseFor({ version, dir, own, controllers }: Hierarchy, controller: Controller): string | undefined {
  if (!controllers.includes(controller)) return undefined
  if (version === 1) return own
  const on = [dir, own].find((each) => lists(join(each, 'cgroup.subtree_control'), controller))
  return on ?? (own !== dir && lists(join(own, 'cgroup.controllers'), controller) ? own : undefined)
}

function lists(file: string, controller: Controller): boolean {
  try {
    return readFileSync(file, 'utf8').trim().split(' ').includes(controller)
  } catch {
    return false
  }
}

/** Where a group is to be. */
export interface GroupPlace {
  readonly version: 1 | 2
  /** Of `baseFor`. */
  readonly base: string
  /** Below it. */
  readonly path: string
}

/** Makes a group and its limits. @throws {Error} when the machine does not let us */
export function makeGroup({ version, base, path }: GroupPlace, controller: Controller, limits: Limits): string {
  const group = join(base, path)
  if (version === 2) switchOn(base, controller)
  mkdirSync(group, { recursive: true })
  if (version === 2) {
    const parents: string[] = []
    for (let at = dirname(group); at !== base; at = dirname(at)) parents.unshift(at)
    for (const each of parents) switchOn(each, controller)
  }
  for (const [file, text] of limitFiles(version, controller, limits))
    if (!SWAP_FILES.has(file) || existsSync(join(group, file))) writeFileSync(join(group, file), text)
  return group
}

function switchOn(group: string, controller: Controller): void {
  const file = join(group, 'cgroup.subtree_control')
  if (!lists(file, controller)) writeFileSync(file, `+${controller}`)
}

/** All groups of a name, wherever they are below one: who made them may have been in another group than we are. */
export function groupsNamed(name: string, below: string): readonly string[] {
  try {
    return readdirSync(below, { withFileTypes: true }).flatMap((entry) => {
      if (!entry.isDirectory()) return []
      const path = join(below, entry.name)
      return entry.name === name ? [path] : groupsNamed(name, path)
    })
  } catch {
    return [] // it went meanwhile
  }
}

/** How many processes of a group the kernel has ended for want of memory. */
export function oomKills(group: string): number {
  for (const file of ['memory.events', 'memory.oom_control']) {
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(group, file), 'utf8'))?.[1] ?? 0)
    } catch {
      // it is the other version's
    }
  }
  return 0
}

/** Removes a group and all below it, once their last processes are gone; one that is not there succeeds. False when some stay. */
export async function removeGroup(group: string): Promise<boolean> {
  for (let left = REMOVE_TRIES; left > 0; left--) {
    if (tryRemove(group)) return true
    await wait(REMOVE_STEP_IN_MS)
  }
  return false
}

function tryRemove(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) tryRemove(join(group, entry.name))
    rmdirSync(group)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
