import type { RawObject } from '../kind.ts'
import { type FieldErrors, invalid, notNegative } from './check.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

interface Lease extends RawObject {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; leaseTransitions?: number }
}

function validate(object: RawObject): FieldErrors {
  const { leaseDurationSeconds, leaseTransitions } = (object as Lease).spec ?? {}
  const duration =
    leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0
      ? [invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0')]
      : []
  return [...duration, ...notNegative('spec.leaseTransitions', leaseTransitions)]
}

export const lease = defineKind({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  schema: 'io.k8s.api.coordination.v1.Lease',
  createsOnUpdate: true,
  defaults(object) {
    object.spec ??= {}
  },
  validate,
  columns: [
    nameColumn,
    column(
      'Holder',
      'string',
      'api.coordination.v1.LeaseSpec.holderIdentity',
      (object) => (object as Lease).spec?.holderIdentity ?? '',
    ),
    ageColumn,
  ],
})
