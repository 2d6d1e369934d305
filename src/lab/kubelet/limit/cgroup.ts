/** One container's control groups: one in each tree that holds it to something. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Controller, Hierarchy } from './hierarchy.ts'

/** What a container may use. */
export interface Limits {
  readonly cpus?: number
  readonly memoryInBytes?: number
}

const PERIOD_IN_US = 100_000
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
    return version === 1 ? [['memory.limit_in_bytes', bytes]] : [['memory.max', bytes]]
  }
  if (cpus === undefined) return []
  const quota = String(Math.max(LEAST_QUOTA_IN_US, Math.round(cpus * PERIOD_IN_US)))
  if (version === 2) return [['cpu.max', `${quota} ${PERIOD_IN_US}`]]
  return [
    ['cpu.cfs_period_us', String(PERIOD_IN_US)],
    ['cpu.cfs_quota_us', quota],
  ]
}

/** Whether a controller is to be had for groups at the top of a tree. Nothing is switched on there: the top is the machine's. */
export function offers({ version, dir, controllers }: Hierarchy, controller: Controller): boolean {
  if (!controllers.includes(controller)) return false
  if (version === 1) return true
  try {
    return readFileSync(join(dir, 'cgroup.subtree_control'), 'utf8').trim().split(' ').includes(controller)
  } catch {
    return false
  }
}

/** Makes a group, `path` below a tree's top, and its limits. @throws {Error} when the machine does not let us */
export function makeGroup(hierarchy: Hierarchy, path: string, controller: Controller, limits: Limits): string {
  const group = join(hierarchy.dir, path)
  mkdirSync(group, { recursive: true })
  if (hierarchy.version === 2) {
    const parents: string[] = []
    for (let at = dirname(group); at !== hierarchy.dir; at = dirname(at)) parents.unshift(at)
    for (const each of parents) writeFileSync(join(each, 'cgroup.subtree_control'), `+${controller}`)
  }
  for (const [file, text] of limitFiles(hierarchy.version, controller, limits)) writeFileSync(join(group, file), text)
  return group
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
