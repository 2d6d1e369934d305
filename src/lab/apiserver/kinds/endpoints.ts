import type { RawObject } from '../kind.ts'
import * as check from './check.ts'
import { publicAddress } from './check-address.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

interface EndpointAddress {
  ip?: string
  nodeName?: string
}

interface Subset {
  addresses?: EndpointAddress[]
  notReadyAddresses?: EndpointAddress[]
  ports?: { name?: string; port?: number; protocol?: string }[]
}

const subsetsOf = (object: RawObject): Subset[] => (object.subsets ?? []) as Subset[]
const MOST_SHOWN = 3

function subsetErrors(subset: Subset, path: string): check.FieldErrors {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset
  const none =
    addresses.length + notReadyAddresses.length === 0
      ? [check.required(path, 'must specify `addresses` or `notReadyAddresses`')]
      : []
  const lists = Object.entries({ addresses, notReadyAddresses })
  return [
    ...none,
    ...lists.flatMap(([list, members]) =>
      members.flatMap(({ ip = '' }, index) => publicAddress(`${path}.${list}[${index}].ip`, ip)),
    ),
    ...ports.flatMap(({ name, port, protocol }, index) => [
      ...(check.unset(name)
        ? ports.length > 1
          ? [check.required(`${path}.ports[${index}].name`)]
          : []
        : check.dnsLabel(`${path}.ports[${index}].name`, name)),
      ...check.portNumber(`${path}.ports[${index}].port`, port ?? 0),
      ...check.requiredOneOf(`${path}.ports[${index}].protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
    ]),
  ]
}

function text(object: RawObject): string {
  const subsets = subsetsOf(object)
  if (subsets.length === 0) return '<none>'
  const host = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip)
  const all = subsets.flatMap(({ addresses = [], ports }) =>
    ports === undefined
      ? addresses.map(({ ip = '' }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip = '' }) => `${host(ip)}:${port}`)),
  )
  const shown = all.slice(0, MOST_SHOWN).join(',')
  return all.length > MOST_SHOWN ? `${shown} + ${all.length - MOST_SHOWN} more...` : shown
}

export const endpoints = defineKind({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Endpoints',
  storagePath: 'services/endpoints',
  createsOnUpdate: true,
  defaults(object) {
    for (const subset of subsetsOf(object)) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate: (object) => subsetsOf(object).flatMap((subset, index) => subsetErrors(subset, `subsets[${index}]`)),
  deprecated: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  columns: [nameColumn, column('Endpoints', 'string', 'api.core.v1.Endpoints.subsets', text), ageColumn],
})
