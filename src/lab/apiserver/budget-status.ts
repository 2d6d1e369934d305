/**
 * Keeps the status of disruption budgets: how many pods there are, should be, and may go. A real cluster has a controller for it;
 * here the server does, since it counts at every eviction anyway.
 */
import type { Logger } from 'pino'
import type { RawObject } from './kind.ts'
import { sameJson } from './kinds/check.ts'
import { allowanceOf } from './kinds/disruption-budget.ts'
import type { View } from './kinds/view.ts'
import type { Store } from './store.ts'

const BUDGETS = 'poddisruptionbudgets.policy'
/** What a budget's numbers follow from. */
const SOURCES = [BUDGETS, 'pods', 'replicasets.apps']

/** Starts; call the result to stop. */
export function keepBudgets(store: Store, view: View, log: Logger): () => void {
  const dirty = new Set<string>()

  const work = (): void => {
    for (const namespace of dirty) {
      dirty.delete(namespace)
      try {
        for (const { object } of store.list(BUDGETS, namespace)) update(store, object, view)
      } catch (err) {
        log.warn({ err, namespace }, 'the status of disruption budgets could not be kept; it will be at the next change')
      }
    }
  }
  const mark = (namespace: string): void => {
    if (store.list(BUDGETS, namespace).length === 0) return
    if (dirty.size === 0) setImmediate(work)
    dirty.add(namespace)
  }
  const stops = SOURCES.map((source) => store.listen(source, ({ stored }) => mark(stored.object.metadata.namespace ?? '')))
  for (const { object } of store.list(BUDGETS)) mark(object.metadata.namespace ?? '')
  return () => {
    dirty.clear()
    for (const stop of stops) stop()
  }
}

function update(store: Store, budget: RawObject, view: View): void {
  const { name: _name, ...counted } = allowanceOf(budget, view)
  const before = (budget.status ?? {}) as Readonly<Record<string, unknown>>
  const status = { ...before, ...counted, observedGeneration: budget.metadata.generation }
  if (!sameJson(status, before)) store.put(BUDGETS, { ...structuredClone(budget), status })
}
