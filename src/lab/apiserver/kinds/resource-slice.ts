import type { RawObject } from '../kind.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

interface SliceSpec {
  readonly driver?: string
  readonly nodeName?: string
  readonly pool?: { readonly name?: string }
}

const specOf = (object: RawObject): SliceSpec => (object.spec ?? {}) as SliceSpec
const SPEC = 'api.resource.v1.ResourceSliceSpec'

/** Devices of a node for its pods: there are none in the lab, but `kubectl describe node` asks. */
export const resourceSlice = defineKind({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
  schema: 'io.k8s.api.resource.v1.ResourceSlice',
  countsGeneration: true,
  selectableFields: {
    'spec.driver': (object) => specOf(object).driver ?? '',
    'spec.nodeName': (object) => specOf(object).nodeName ?? '',
  },
  columns: [
    nameColumn,
    column('Node', 'string', `${SPEC}.nodeName`, (object) => specOf(object).nodeName ?? ''),
    column('Driver', 'string', `${SPEC}.driver`, (object) => specOf(object).driver ?? ''),
    column('Pool', 'string', `${SPEC}.pool`, (object) => specOf(object).pool?.name ?? ''),
    ageColumn,
  ],
})
