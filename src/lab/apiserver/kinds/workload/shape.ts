/** What all kinds that make pods share. Source of the columns: kubernetes pkg/printers/internalversion/printers.go. */
import type { Column, KindRecord, RawObject } from '../../kind.ts'
import { column, defineKind, wide } from '../define.ts'
import { type LabelSelector, labelSelectorText } from '../label-selector.ts'
import type { PodSpec } from '../pod/types.ts'

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
  spec?: PodSpec
}

export interface WorkloadSpec {
  replicas?: number
  selector?: LabelSelector
  template?: PodTemplate
  minReadySeconds?: number
  revisionHistoryLimit?: number
  [field: string]: unknown
}

export interface Workload extends RawObject {
  spec?: WorkloadSpec
  status?: Record<string, unknown>
}

export const specOf = (object: RawObject): WorkloadSpec => (object as Workload).spec ?? {}
export const statusOf = (object: RawObject): Record<string, unknown> => (object as Workload).status ?? {}
export const count = (object: RawObject, field: string): number => (statusOf(object)[field] as number | undefined) ?? 0
const desired = (object: RawObject): number => specOf(object).replicas ?? 1

/** A column with a number of the status. */
export const counter = (name: string, field: string, doc: string, type: Column['type'] = 'integer'): Column =>
  column(name, type, doc, (object) => count(object, field))

export function templateOf(object: RawObject): PodSpec | undefined {
  const spec = specOf(object)
  const job = (spec.jobTemplate as { spec?: WorkloadSpec } | undefined)?.spec
  return (spec.template ?? job?.template)?.spec
}

export const containers = wide('Containers', 'string', 'Names of each container in the template.', (object) =>
  (templateOf(object)?.containers ?? []).map(({ name }) => name).join(','),
)
export const images = wide('Images', 'string', 'Images referenced by each container in the template.', (object) =>
  (templateOf(object)?.containers ?? []).map(({ image }) => image).join(','),
)
/** Documentation of a Job's selector. */
export const SELECTED =
  'A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors'

export const selector = (doc: string): Column =>
  wide('Selector', 'string', doc, (object) => labelSelectorText(specOf(object).selector))

export const readyOf = (field: string): Column =>
  column('Ready', 'string', 'Number of the pod with ready state', (object) => `${count(object, field)}/${desired(object)}`)

/** Columns of what keeps a number of pods; `schema` is its name below `io.k8s.`. */
export const replicaCounts = (schema: string): readonly Column[] => [
  column('Desired', 'integer', `${schema}Spec.replicas`, desired),
  counter('Current', 'replicas', `${schema}Status.replicas`),
  counter('Ready', 'readyReplicas', `${schema}Status.readyReplicas`),
]

type Fixed = 'version' | 'categories' | 'namespaced' | 'schema' | 'countsGeneration'
type Shape = Omit<Parameters<typeof defineKind>[0], Fixed> & { readonly version?: string }

/** The record of one kind, with what all have. */
export function workload({ version = 'v1', prepare, ...shape }: Shape): KindRecord {
  return defineKind({
    subresources: ['status'],
    ...shape,
    version,
    categories: ['all'],
    namespaced: true,
    schema: `io.k8s.api.${shape.group === '' ? 'core' : shape.group}.${version}.${shape.kind}`,
    countsGeneration: true,
    prepare(object, old) {
      if (old === undefined) object.status = {}
      prepare?.(object, old)
    },
  })
}
