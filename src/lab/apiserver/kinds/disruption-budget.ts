/** How many pods of a set may be taken away at once. Source: kubernetes pkg/controller/disruption, pkg/registry/core/pod/storage/eviction.go. */
import type { KindRecord, RawObject } from '../kind.ts'
import * as check from './check.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'
import { type LabelSelector, selectorErrors, selectorMatches } from './label-selector.ts'
import type { View } from './view.ts'
import { countOrPercent, notMoreThanAll } from './workload/template.ts'

interface Budget extends RawObject {
  spec?: { minAvailable?: number | string; maxUnavailable?: number | string; selector?: LabelSelector }
}

/** What a budget allows now. */
interface Allowance {
  readonly name: string
  readonly currentHealthy: number
  readonly desiredHealthy: number
  readonly expectedPods: number
  readonly disruptionsAllowed: number
}

const specOf = (object: RawObject): NonNullable<Budget['spec']> => (object as Budget).spec ?? {}

export const isHealthy = (pod: RawObject): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  ((pod.status as { conditions?: { type?: string; status?: string }[] } | undefined)?.conditions ?? []).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  )

/** A number, or a share of `all` rounded up. */
function countOf(value: number | string, all: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number(value.replace('%', '')) / 100) * all)
}

/** Pods that should be there: what their ReplicaSets ask for, and each pod without one. */
function expected(pods: readonly RawObject[], view: View, namespace: string): number {
  const sets = new Map(view('replicasets.apps', namespace).map((set) => [set.metadata.uid, set]))
  const owners = new Map<string, number>()
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid as string | undefined
    const replicas = (sets.get(owner)?.spec as { replicas?: number } | undefined)?.replicas
    owners.set(owner ?? pod.metadata.uid ?? '', replicas ?? (owners.get(owner ?? '') ?? 0) + 1)
  }
  return [...owners.values()].reduce((sum, number) => sum + number, 0)
}

/** What a budget allows, by the pods that are there. */
export function allowanceOf(budget: RawObject, view: View): Allowance {
  const { namespace = '', name = '' } = budget.metadata
  const { selector, minAvailable, maxUnavailable } = specOf(budget)
  const pods = view('pods', namespace).filter(({ metadata }) => selectorMatches(selector, metadata.labels))
  const expectedPods = expected(pods, view, namespace)
  const currentHealthy = pods.filter(isHealthy).length
  const desiredHealthy =
    maxUnavailable === undefined
      ? countOf(minAvailable ?? 1, expectedPods)
      : Math.max(0, expectedPods - countOf(maxUnavailable, expectedPods))
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  return { name, currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed }
}

/** The budgets that cover a pod. */
export function budgetsOf(pod: RawObject, view: View): readonly RawObject[] {
  return view('poddisruptionbudgets.policy', pod.metadata.namespace).filter((budget) =>
    selectorMatches(specOf(budget).selector, pod.metadata.labels),
  )
}

function validate(object: RawObject, _old: RawObject | undefined, subresource: string): check.FieldErrors {
  if (subresource !== '') return []
  const { minAvailable, maxUnavailable, selector } = specOf(object)
  const both = 'minAvailable and maxUnavailable cannot be both set'
  const numbers = Object.entries({ minAvailable, maxUnavailable }).filter(([, value]) => value !== undefined)
  return [
    ...(numbers.length === 2 ? [check.invalid('spec', specOf(object), both)] : []),
    ...numbers.flatMap(([field, value]) => [
      ...countOrPercent(`spec.${field}`, value),
      ...notMoreThanAll(`spec.${field}`, value),
    ]),
    ...selectorErrors('spec.selector', selector),
  ]
}

const numberOr = (value: unknown): string => (value === undefined ? 'N/A' : String(value))

/** The PodDisruptionBudget kind; what its columns show as allowed follows from the pods in `view` at that moment. */
export function makeDisruptionBudget(view: View): KindRecord {
  return defineKind({
    group: 'policy',
    version: 'v1',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    namespaced: true,
    subresources: ['status'],
    schema: 'io.k8s.api.policy.v1.PodDisruptionBudget',
    countsGeneration: true,
    defaults(object) {
      object.status ??= {}
    },
    prepare(object, old) {
      if (old === undefined) object.status = { ...NONE }
    },
    validate,
    columns: [
      nameColumn,
      column('Min Available', 'string', 'api.policy.v1.PodDisruptionBudgetSpec.minAvailable', (object) =>
        numberOr(specOf(object).minAvailable),
      ),
      column('Max Unavailable', 'string', 'api.policy.v1.PodDisruptionBudgetSpec.maxUnavailable', (object) =>
        numberOr(specOf(object).maxUnavailable),
      ),
      column(
        'Allowed Disruptions',
        'integer',
        'Calculated number of pods that may be disrupted at this time.',
        (object) => allowanceOf(object, view).disruptionsAllowed,
      ),
      ageColumn,
    ],
  })
}

/** The status of a budget that nobody has counted for yet. */
const NONE = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }
