import { parseAddress } from '../allocators/address.ts'
import type { FieldError, RawObject } from '../kind.ts'
import * as check from './check.ts'
import { publicAddress } from './check-address.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

interface Endpoint {
  addresses?: string[]
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean }
  nodeName?: string
}

interface EndpointPort {
  name?: string
  port?: number
  protocol?: string
}

interface EndpointSlice extends RawObject {
  addressType?: string
  endpoints?: Endpoint[]
  ports?: EndpointPort[]
}

const TYPES = ['FQDN', 'IPv4', 'IPv6']
const MOST_ENDPOINTS = 1000
const MOST_ADDRESSES = 100
const MOST_SHOWN = 3

function defaults(object: RawObject): void {
  const slice = object as EndpointSlice
  slice.endpoints ??= []
  for (const endpoint of slice.endpoints) endpoint.conditions ??= {}
  for (const port of slice.ports ?? []) {
    port.name ??= ''
    port.protocol ||= 'TCP'
  }
}

function validate(object: RawObject, old: RawObject | undefined): check.FieldErrors {
  const { addressType = '', endpoints = [], ports = [] } = object as EndpointSlice
  const type = check.requiredOneOf('addressType', addressType, TYPES)
  if (type.length > 0) return type
  const many: FieldError[] =
    endpoints.length > MOST_ENDPOINTS
      ? [{ type: 'TooMany', field: 'endpoints', value: endpoints.length, detail: `must have at most ${MOST_ENDPOINTS} items` }]
      : []
  return [
    ...(old === undefined ? [] : check.unchanged('addressType', addressType, old.addressType)),
    ...many,
    ...endpoints.flatMap((endpoint, index) => endpointErrors(endpoint, `endpoints[${index}]`, addressType)),
    ...ports.flatMap((port, index) => portErrors(port, `ports[${index}]`)),
    ...check.uniqueBy(
      ports,
      ({ name }) => name ?? '',
      ({ name }, index) => check.duplicate(`ports[${index}].name`, name),
    ),
  ]
}

function endpointErrors(endpoint: Endpoint, path: string, type: string): check.FieldErrors {
  const addresses = endpoint.addresses ?? []
  if (addresses.length === 0) return [check.required(`${path}.addresses`, 'must contain at least 1 address')]
  const many: FieldError[] =
    addresses.length > MOST_ADDRESSES
      ? [
          {
            type: 'TooMany',
            field: `${path}.addresses`,
            value: addresses.length,
            detail: `must have at most ${MOST_ADDRESSES} items`,
          },
        ]
      : []
  const node = endpoint.nodeName === undefined ? [] : check.dnsSubdomain(`${path}.nodeName`, endpoint.nodeName)
  return [...many, ...addresses.flatMap((text, index) => addressErrors(`${path}.addresses[${index}]`, text, type)), ...node]
}

function addressErrors(field: string, text: string, type: string): check.FieldErrors {
  if (type === 'FQDN') return check.dnsSubdomain(field, text)
  const family = parseAddress(text)?.family
  if (family !== undefined && family !== type) return [check.invalid(field, text, `must be an ${type} address`)]
  return publicAddress(field, text)
}

function portErrors(port: EndpointPort, path: string): check.FieldErrors {
  return [
    ...(check.unset(port.name) ? [] : check.dnsLabel(`${path}.name`, port.name)),
    ...(port.port === undefined ? [] : check.portNumber(`${path}.port`, port.port)),
    ...check.requiredOneOf(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']),
  ]
}

function shown(list: readonly string[]): string {
  const text = list.slice(0, MOST_SHOWN).join(',')
  return list.length > MOST_SHOWN ? `${text} + ${list.length - MOST_SHOWN} more...` : text || '<unset>'
}

export const endpointSlice = defineKind({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  schema: 'io.k8s.api.discovery.v1.EndpointSlice',
  countsGeneration: true,
  createsOnUpdate: true,
  defaults,
  validate,
  columns: [
    nameColumn,
    column(
      'AddressType',
      'string',
      'api.discovery.v1.EndpointSlice.addressType',
      (object) => (object as EndpointSlice).addressType ?? '',
    ),
    column('Ports', 'string', 'api.discovery.v1.EndpointSlice.ports', (object) =>
      shown(((object as EndpointSlice).ports ?? []).map(({ port, name }) => (port === undefined ? name || '*' : `${port}`))),
    ),
    column('Endpoints', 'string', 'api.discovery.v1.EndpointSlice.endpoints', (object) =>
      shown(((object as EndpointSlice).endpoints ?? []).flatMap(({ addresses = [] }) => addresses)),
    ),
    ageColumn,
  ],
})
