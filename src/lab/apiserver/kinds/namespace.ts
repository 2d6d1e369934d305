import type { RawObject } from '../kind.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

/** A cluster is none without them. Source: apiserver pkg/admission/plugin/namespace/lifecycle/admission.go. */
const IMMORTAL = ['default', 'kube-system', 'kube-public']
const NAME_LABEL = 'kubernetes.io/metadata.name'

interface Namespace extends RawObject {
  spec?: { finalizers?: string[] }
  status?: { phase?: string }
}

function defaults(object: RawObject): void {
  const { name } = object.metadata
  if (name !== undefined) object.metadata.labels = { ...object.metadata.labels, [NAME_LABEL]: name }
  object.spec ??= {}
  object.status ??= {}
}

export const namespace = defineKind({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  subresources: ['finalize', 'status'],
  schema: 'io.k8s.api.core.v1.Namespace',
  nameRule: 'dns-label',
  returnsDeleted: true,
  selectableFields: { 'status.phase': (object) => (object as Namespace).status?.phase ?? '' },
  defaults,
  prepare(object, old) {
    if (old !== undefined) return
    defaults(object)
    object.spec = { finalizers: ['kubernetes'] }
    object.status = { phase: 'Active' }
  },
  undeletable: ({ metadata: { name = '' } }) => (IMMORTAL.includes(name) ? 'this namespace may not be deleted' : undefined),
  beginDeletion(object) {
    object.status = { ...(object as Namespace).status, phase: 'Terminating' }
  },
  heldBack: (object) => ((object as Namespace).spec?.finalizers ?? []).length > 0,
  columns: [
    nameColumn,
    column('Status', 'string', 'The status of the namespace', (object) => (object as Namespace).status?.phase ?? ''),
    ageColumn,
  ],
})
