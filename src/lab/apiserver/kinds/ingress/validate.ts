/** What is wrong with an Ingress. Source: kubernetes pkg/apis/networking/validation. */
import { parseAddress } from '../../allocators/address.ts'
import type { FieldError, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { address } from '../check-address.ts'
import { addressesOf, type Backend, CLASS_ANNOTATION, type IngressSpec, type Path, type Rule, specOf } from './types.ts'

type FieldErrors = check.FieldErrors

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
const IN_PATH = ['//', '/./', '/../', '%2f', '%2F']
const AT_END = ['/..', '/.']

export function validateIngress(object: RawObject, old: RawObject | undefined, subresource: string): FieldErrors {
  if (subresource === 'status') return addressErrors(object)
  const spec = specOf(object)
  return [...(old === undefined ? classErrors(object, spec) : []), ...specErrors(spec)]
}

function classErrors(object: RawObject, { ingressClassName }: IngressSpec): FieldErrors {
  const annotated = object.metadata.annotations?.[CLASS_ANNOTATION]
  if (annotated === undefined || ingressClassName === undefined || annotated === ingressClassName) return []
  const detail = 'must match `ingressClassName` when both are specified'
  return [check.invalid(`annotations.${CLASS_ANNOTATION}`, annotated, detail)]
}

function specErrors(spec: IngressSpec): FieldErrors {
  const { rules = [], defaultBackend, ingressClassName, tls = [] } = spec
  const nothing = 'either `defaultBackend` or `rules` must be specified'
  return [
    ...(rules.length === 0 && defaultBackend === undefined ? [check.invalid('spec', null, nothing)] : []),
    ...(defaultBackend === undefined ? [] : backendErrors('spec.defaultBackend', defaultBackend)),
    ...rules.flatMap((rule, index) => ruleErrors(`spec.rules[${index}]`, rule)),
    ...tls.flatMap(({ hosts = [], secretName }, index) => [
      ...hosts.flatMap((host, at) => hostErrors(`spec.tls[${index}].hosts[${at}]`, host)),
      ...(check.unset(secretName) ? [] : check.dnsSubdomain(`spec.tls[${index}].secretName`, secretName)),
    ]),
    ...(ingressClassName === undefined ? [] : check.dnsSubdomain('spec.ingressClassName', ingressClassName)),
  ]
}

const WILDCARD =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

function hostErrors(field: string, host: string): FieldErrors {
  if (!host.includes('*')) return check.dnsSubdomain(field, host)
  const rest = host.startsWith('*.') ? host.slice(2) : ''
  return check.dnsSubdomain(field, rest).length === 0 ? [] : [check.invalid(field, host, WILDCARD)]
}

function ruleErrors(field: string, { host = '', http }: Rule): FieldErrors {
  const errors: FieldError[] = []
  if (host !== '') {
    if (parseAddress(host) !== undefined)
      errors.push(check.invalid(`${field}.host`, host, 'must be a DNS name, not an IP address'))
    errors.push(...(parseAddress(host) === undefined ? hostErrors(`${field}.host`, host) : []))
  }
  if (http === undefined) return errors
  const { paths = [] } = http
  return [
    ...errors,
    ...(paths.length === 0 ? [check.required(`${field}.http.paths`)] : []),
    ...paths.flatMap((path, index) => pathErrors(`${field}.http.paths[${index}]`, path)),
  ]
}

function pathErrors(field: string, { path = '', pathType, backend = {} }: Path): FieldErrors {
  const own: FieldError[] = []
  if (pathType === undefined || pathType === '') own.push(check.required(`${field}.pathType`, 'pathType must be specified'))
  else if (!PATH_TYPES.includes(pathType)) own.push(check.notSupported(`${field}.pathType`, pathType, PATH_TYPES))
  else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) own.push(check.invalid(`${field}.path`, path, 'must be an absolute path'))
  } else own.push(...strictPathErrors(`${field}.path`, path))
  return [...own, ...backendErrors(`${field}.backend`, backend)]
}

/** Paths that are compared element by element hold no element that could be read in two ways. */
function strictPathErrors(field: string, path: string): FieldErrors {
  const absolute = path.startsWith('/') ? [] : [check.invalid(field, path, 'must be an absolute path')]
  if (path === '') return absolute
  return [
    ...absolute,
    ...IN_PATH.filter((part) => path.includes(part)).map((part) => check.invalid(field, path, `must not contain '${part}'`)),
    ...AT_END.filter((part) => path.endsWith(part)).map((part) => check.invalid(field, path, `cannot end with '${part}'`)),
  ]
}

function backendErrors(field: string, { service, resource }: Backend): FieldErrors {
  if (service !== undefined && resource !== undefined)
    return [check.invalid(field, '', 'cannot set both resource and service backends')]
  if (resource !== undefined) return resourceErrors(`${field}.resource`, resource)
  if (service === undefined) return [check.invalid(field, '', 'resource or service backend is required')]
  const { name = '', port = {} } = service
  const own = name === '' ? [check.required(`${field}.service.name`)] : check.dnsLabel(`${field}.service.name`, name)
  return [...own, ...portErrors(field, port)]
}

function portErrors(field: string, { name = '', number = 0 }: { name?: string; number?: number }): FieldErrors {
  if (name !== '' && number !== 0) return [check.invalid(field, '', 'cannot set both port name & port number')]
  if (name !== '') return check.portName(`${field}.service.port.name`, name)
  return number === 0
    ? [check.required(field, 'port name or number is required')]
    : check.portNumber(`${field}.service.port.number`, number)
}

function resourceErrors(field: string, { kind = '', name = '' }: NonNullable<Backend['resource']>): FieldErrors {
  return [...(kind === '' ? [check.required(`${field}.kind`)] : []), ...(name === '' ? [check.required(`${field}.name`)] : [])]
}

function addressErrors(object: RawObject): FieldErrors {
  return addressesOf(object).flatMap(({ ip = '', hostname = '' }, index) => {
    const field = `status.loadBalancer.ingress[${index}]`
    const isAddress = parseAddress(hostname) !== undefined
    const named =
      hostname === ''
        ? []
        : isAddress
          ? [check.invalid(`${field}.hostname`, hostname, 'must be a DNS name, not an IP address')]
          : check.dnsSubdomain(`${field}.hostname`, hostname)
    return [...(ip === '' ? [] : address(`${field}.ip`, ip)), ...named]
  })
}
