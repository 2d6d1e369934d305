/** The ranges of cluster addresses as objects, and the addresses taken. Source: kubernetes pkg/apis/networking/validation. */
import { parseRange } from '../allocators/address.ts'
import type { RawObject } from '../kind.ts'
import * as check from './check.ts'
import { address, range } from './check-address.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

interface ServiceCidr extends RawObject {
  spec?: { cidrs?: string[] }
}

interface IpAddress extends RawObject {
  spec?: { parentRef?: { group?: string; resource?: string; namespace?: string; name?: string } }
}

const cidrsOf = (object: RawObject): readonly string[] => (object as ServiceCidr).spec?.cidrs ?? []
const parentOf = (object: RawObject) => (object as IpAddress).spec?.parentRef

function validateRanges(object: RawObject, old: RawObject | undefined, subresource: string): check.FieldErrors {
  if (subresource !== '') return []
  const cidrs = cidrsOf(object)
  const field = 'spec.cidrs'
  if (cidrs.length === 0) return [check.required(field, 'at least one CIDR required')]
  if (cidrs.length > 2) return [{ type: 'Invalid', field, value: cidrs, detail: 'may only hold up to 2 values' }]
  const before = old === undefined ? [] : cidrsOf(old)
  // a second family may come later, and nothing else changes
  if (before.length === cidrs.length || cidrs.length < before.length) return check.unchanged(field, cidrs, before)
  if (before[0] !== undefined && before[0] !== cidrs[0]) return check.unchanged(`${field}[0]`, cidrs[0], before[0])
  const families = new Set(cidrs.map((text) => parseRange(text)?.family))
  const twice = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
  return [
    ...cidrs.flatMap((text, index) => range(`${field}[${index}]`, text)),
    ...(families.size === cidrs.length ? [] : [check.invalid(field, cidrs, twice)]),
  ]
}

export const serviceCidr = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
  subresources: ['status'],
  schema: 'io.k8s.api.networking.v1.ServiceCIDR',
  defaults(object) {
    object.spec ??= {}
    object.status ??= {}
  },
  validate: validateRanges,
  columns: [
    nameColumn,
    column('CIDRs', 'string', 'api.networking.v1.ServiceCIDRSpec.cidrs', (object) => cidrsOf(object).join(',')),
    ageColumn,
  ],
})

export const ipAddress = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  namespaced: false,
  schema: 'io.k8s.api.networking.v1.IPAddress',
  nameRule: 'path-segment',
  validate(object, old) {
    const parent = parentOf(object)
    if (parent === undefined) return [check.required('spec.parentRef')]
    if (old !== undefined) return check.unchanged('spec.parentRef', parent, parentOf(old))
    return [
      ...address('metadata.name', object.metadata.name),
      ...(check.unset(parent.resource) ? [check.required('spec.parentRef.resource')] : []),
      ...(check.unset(parent.name) ? [check.required('spec.parentRef.name')] : []),
    ]
  },
  columns: [
    nameColumn,
    column('ParentRef', 'string', 'api.networking.v1.IPAddressSpec.parentRef', (object) => {
      const { group = '', resource, namespace = '', name } = parentOf(object) ?? {}
      return [group === '' ? resource : `${resource}.${group}`, namespace, name].filter((part) => part !== '').join('/')
    }),
    ageColumn,
  ],
})
