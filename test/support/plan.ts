/** Plans in text, for tables of rules. */
import type { BackendGroup, DataPathEntry } from '../../src/model/datapath.ts'
import type { World } from '../../src/model/world.ts'
import type { PlannerOptions } from '../../src/plan/options.ts'
import { changesOf, createPlanner, type Planner } from '../../src/plan/planner.ts'

/** The plan of node n1. */
export function planOf(world: World, options?: PlannerOptions): Planner {
  const planner = createPlanner('n1', options)
  planner.update(world, changesOf(world))
  return planner
}

/** One line a frontend: `KEY -> BACKENDS`, or what flows meet without one, and the conditions that are not the usual ones. */
export function frontendLines({ entries }: Planner): readonly string[] {
  const lines = [...entries.values()].flatMap((entry) => {
    if (entry.kind !== 'frontend') return []
    const group = entries.get(entry.group)
    if (group?.kind !== 'group') throw new Error(`the group ${entry.group} of ${entry.key} is not planned`)
    return [`${entry.key} -> ${groupText(group)}`]
  })
  return lines.toSorted()
}

export function keysOf(planner: Planner, kind: DataPathEntry['kind']): readonly string[] {
  const found = [...planner.entries.values()].filter((entry) => entry.kind === kind)
  return found.map(({ key }) => key).toSorted()
}

/** `code subject, subject: message` of each finding. */
export function findingLines({ findings }: Planner): readonly string[] {
  return findings.map(({ code, subjects, message }) => `${code.name} ${subjects.join(', ')}: ${message}`)
}

function groupText({ backends, whenEmpty, masquerade, affinityInSeconds, sourceRanges }: BackendGroup): string {
  const to = backends.length === 0 ? whenEmpty : backends.map(({ address, port }) => `${address}:${port}`).join(' ')
  const conditions = [
    masquerade === 'none' ? 'as sent' : '',
    affinityInSeconds > 0 ? `affinity ${affinityInSeconds} s` : '',
    sourceRanges.length > 0 ? `from ${sourceRanges.join(' ')}` : '',
  ].filter((text) => text !== '')
  return conditions.length === 0 ? to : `${to} (${conditions.join(', ')})`
}
