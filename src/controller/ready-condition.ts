/** The condition `Ready` of an object of settings: what is wrong with it, with the fix. */
import type { Condition, KubeObject } from '../kube/types.ts'
import type { Finding } from '../model/code.ts'

const READY = 'Ready'

/** `good` is its message while nothing is found. The time of the transition stays as long as the status does. */
export function readyCondition(object: KubeObject, findings: readonly Finding[], good: string): Condition {
  const [first] = findings
  const status = first === undefined ? 'True' : 'False'
  const before = conditionsOf(object).find(({ type }) => type === READY)
  const message = first === undefined ? good : findings.map((one) => `${one.message} ${one.fix}`).join(' ')
  const isSame = before?.status === status && before.lastTransitionTime !== undefined
  return {
    ...{ type: READY, status, reason: first?.code.name ?? READY, message, observedGeneration: object.metadata.generation ?? 0 },
    lastTransitionTime: isSame ? before.lastTransitionTime : `${new Date().toISOString().slice(0, 19)}Z`,
  }
}

function conditionsOf(object: KubeObject): readonly Condition[] {
  const conditions: unknown = (object as { readonly status?: { readonly conditions?: unknown } }).status?.conditions
  return Array.isArray(conditions) ? (conditions as readonly Condition[]) : []
}
