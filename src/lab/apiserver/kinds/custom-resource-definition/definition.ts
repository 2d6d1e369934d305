/** The kind CustomResourceDefinition. Source: apiextensions-apiserver pkg/registry/customresourcedefinition (strategy.go, etcd.go). */
import type { RawObject } from '../../kind.ts'
import { timestamp } from '../../metadata.ts'
import { column, defineKind, nameColumn } from '../define.ts'
import { CLEANUP, type Definition, type DefinitionSpec, type DefinitionStatus, withCondition } from './types.ts'
import { validateDefinition } from './validate.ts'

const emptyStatus = (): DefinitionStatus => ({ conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] })

function defaults(object: RawObject): void {
  const spec = (object.spec ?? {}) as DefinitionSpec
  object.spec = spec
  const { names } = spec
  if (names !== undefined) {
    const { kind = '' } = names
    names.singular ||= kind.toLowerCase()
    if (kind !== '') names.listKind ||= `${kind}List`
  }
  spec.conversion ??= { strategy: 'None' }
  if (spec.preserveUnknownFields === false) delete spec.preserveUnknownFields
  object.status = { ...emptyStatus(), ...(object.status as object | undefined) }
}

/** The version that objects are stored in from now on is remembered. */
function remember(object: Definition): void {
  const storage = (object.spec.versions ?? []).find((version) => version.storage === true)?.name
  const { storedVersions } = object.status
  if (storage !== undefined && !storedVersions.includes(storage)) object.status.storedVersions = [...storedVersions, storage]
}

function prepare(object: RawObject, old: RawObject | undefined, subresource?: string): void {
  if (subresource === 'status') return
  if (old === undefined) object.status = emptyStatus()
  remember(object as Definition)
}

function beginDeletion(object: RawObject): void {
  const { metadata, status } = object as Definition
  metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP])]
  status.conditions = withCondition(status.conditions, {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: metadata.deletionTimestamp ?? timestamp(0),
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  })
}

export const customResourceDefinition = defineKind({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  subresources: ['status'],
  schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  storagePath: 'apiextensions.k8s.io/customresourcedefinitions',
  countsGeneration: true,
  replacesByVersion: true,
  defaults,
  prepare,
  validate: validateDefinition,
  beginDeletion,
  columns: [
    nameColumn,
    column(
      'Created At',
      'date',
      'apimachinery.pkg.apis.meta.v1.ObjectMeta.creationTimestamp',
      (object) => object.metadata.creationTimestamp ?? null,
    ),
  ],
})
