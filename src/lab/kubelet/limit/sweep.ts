/** The lab's control groups as a whole: where they are, and their end. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupsNamed, removeGroup } from './cgroup.ts'
import { findHierarchies, type Hierarchy } from './hierarchy.ts'

/** The trees of this machine. */
export function readHierarchies(): readonly Hierarchy[] {
  return findHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'))
}

/** The name of a lab's groups. */
export function labGroup(lab: string): string {
  return `fairway-${lab}`
}

/** Removes the groups of a lab, or of one of its nodes, whose processes have ended. What is not there succeeds. */
export async function removeGroups(lab: string, node = '', hierarchies: readonly Hierarchy[] = readHierarchies()): Promise<void> {
  const groups = hierarchies.flatMap(({ dir }) => groupsNamed(labGroup(lab), dir))
  await Promise.all(groups.map((group) => removeGroup(join(group, node))))
}
