/** Volumes of a cluster's storage: stored and shown, since `kubectl apply --prune` asks for them. Nothing in the lab binds one. */
import type { KindRecord, RawObject } from '../kind.ts'
import { ageColumn, type Cell, column, defineKind, nameColumn, wide } from './define.ts'

/** Of both kinds. */
interface VolumeSpec {
  accessModes?: string[]
  capacity?: Record<string, string>
  claimRef?: { namespace?: string; name?: string }
  persistentVolumeReclaimPolicy?: string
  storageClassName?: string
  volumeAttributesClassName?: string
  volumeMode?: string
  volumeName?: string
}
interface VolumeStatus {
  accessModes?: string[]
  capacity?: Record<string, string>
  phase?: string
  reason?: string
}

function specOf(object: RawObject): VolumeSpec {
  object.spec ??= {}
  return object.spec as VolumeSpec
}
const statusOf = (object: RawObject): VolumeStatus => (object.status ?? {}) as VolumeStatus

const SHORT: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}
const modes = (all: readonly string[] = []): string => all.map((mode) => SHORT[mode] ?? mode).join(',')

const VOLUME = 'api.core.v1.PersistentVolume'
const CLAIM = 'api.core.v1.PersistentVolumeClaim'
const phase: Cell = (object) => (object.metadata.deletionTimestamp === undefined ? (statusOf(object).phase ?? '') : 'Terminating')
const classes = (schema: string) => [
  column('StorageClass', 'string', `${schema}Spec.storageClassName`, (object) => specOf(object).storageClassName ?? ''),
  column(
    'VolumeAttributesClass',
    'string',
    `${schema}Spec.volumeAttributesClassName`,
    (object) => specOf(object).volumeAttributesClassName ?? '<unset>',
  ),
]
const volumeMode = (schema: string) =>
  wide('VolumeMode', 'string', `${schema}Spec.volumeMode`, (object) => specOf(object).volumeMode ?? '<unset>')

function defaults(object: RawObject): void {
  specOf(object).volumeMode ??= 'Filesystem'
}

function prepare(object: RawObject, old: RawObject | undefined): void {
  if (old === undefined) object.status = { phase: 'Pending' }
}

const persistentVolumeClaim = defineKind({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  subresources: ['status'],
  defaults,
  prepare,
  columns: [
    nameColumn,
    column('Status', 'string', `${CLAIM}Status.phase`, phase),
    column('Volume', 'string', `${CLAIM}Spec.volumeName`, (object) => specOf(object).volumeName ?? ''),
    column('Capacity', 'string', `${CLAIM}Status.capacity`, (object) => statusOf(object).capacity?.storage ?? ''),
    column('Access Modes', 'string', `${CLAIM}Status.accessModes`, (object) =>
      (specOf(object).volumeName ?? '') === '' ? '' : modes(statusOf(object).accessModes),
    ),
    ...[...classes(CLAIM), ageColumn, volumeMode(CLAIM)],
  ],
})

const persistentVolume = defineKind({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  namespaced: false,
  schema: 'io.k8s.api.core.v1.PersistentVolume',
  subresources: ['status'],
  defaults(object) {
    defaults(object)
    specOf(object).persistentVolumeReclaimPolicy ??= 'Retain'
  },
  prepare,
  columns: [
    nameColumn,
    column('Capacity', 'string', `${VOLUME}Spec.capacity`, (object) => specOf(object).capacity?.storage ?? ''),
    column('Access Modes', 'string', `${VOLUME}Spec.accessModes`, (object) => modes(specOf(object).accessModes)),
    column(
      'Reclaim Policy',
      'string',
      `${VOLUME}Spec.persistentVolumeReclaimPolicy`,
      (object) => specOf(object).persistentVolumeReclaimPolicy ?? '',
    ),
    column('Status', 'string', `${VOLUME}Status.phase`, phase),
    column('Claim', 'string', `${VOLUME}Spec.claimRef`, (object) => {
      const { claimRef } = specOf(object)
      return claimRef === undefined ? '' : `${claimRef.namespace}/${claimRef.name}`
    }),
    ...classes(VOLUME),
    column('Reason', 'string', `${VOLUME}Status.reason`, (object) => statusOf(object).reason ?? ''),
    ...[ageColumn, volumeMode(VOLUME)],
  ],
})

export const STORAGE: readonly KindRecord[] = [persistentVolumeClaim, persistentVolume]
