import { parseAddress, parseRange } from '../../allocators/address.ts'
import type { FieldError, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { address, publicAddress } from '../check-address.ts'
import {
  externallyAccessible,
  ingressOf,
  isHeadless,
  needsClusterIP,
  needsHealthCheck,
  type ServicePort,
  type ServiceSpec,
  specOf,
} from './types.ts'
import { clusterIPErrors, clusterIPUpdateErrors } from './validate-cluster-ips.ts'

type FieldErrors = check.FieldErrors

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const POLICIES = ['Cluster', 'Local']
const KUBELET_PORT = 10_250
const DAY_IN_SECONDS = 86_400
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"

/** What is wrong with a Service. Source: kubernetes pkg/apis/core/validation, ValidateService and ValidateServiceUpdate. */
export function validateService(service: RawObject, old: RawObject | undefined, subresource: string): FieldErrors {
  const spec = specOf(service)
  if (subresource === 'status') return statusErrors(service, spec)
  const before = old === undefined ? undefined : specOf(old)
  return [
    ...(before === undefined ? [] : updateErrors(spec, before)),
    ...typeErrors(spec),
    ...(spec.ports ?? []).flatMap((port, index) => portErrors(port, index, (spec.ports ?? []).length > 1)),
    ...duplicatePortNames(spec.ports ?? []),
    ...check.labels('spec.selector', spec.selector),
    ...affinityErrors(spec),
    ...clusterIPErrors(spec),
    ...(spec.externalIPs ?? []).flatMap((ip, index) => publicAddress(`spec.externalIPs[${index}]`, ip)),
    ...check.requiredOneOf('spec.type', spec.type, TYPES),
    ...duplicatePorts(spec),
    ...loadBalancerErrors(spec, before),
    ...annotatedRangeErrors(service, spec),
    ...trafficErrors(spec),
  ]
}

function updateErrors(spec: ServiceSpec, before: ServiceSpec): FieldErrors {
  const health =
    needsHealthCheck(spec) && needsHealthCheck(before)
      ? check.unchanged('spec.healthCheckNodePort', spec.healthCheckNodePort, before.healthCheckNodePort)
      : []
  return [...clusterIPUpdateErrors(spec, before), ...health]
}

function typeErrors(spec: ServiceSpec): FieldErrors {
  const errors: FieldError[] = []
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName')
    errors.push(check.required('spec.ports'))
  if (spec.type === 'LoadBalancer')
    for (const [index, { port }] of (spec.ports ?? []).entries())
      if (port === KUBELET_PORT)
        errors.push(
          check.invalid(
            `spec.ports[${index}]`,
            port,
            `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`,
          ),
        )
  if (isHeadless(spec) && (spec.type === 'LoadBalancer' || spec.type === 'NodePort'))
    errors.push(check.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`))
  if (spec.type !== 'ExternalName') return errors
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const)
    if (!check.unset(spec[field])) errors.push(check.forbidden(`spec.${field}`, 'may not be set for ExternalName services'))
  const name = spec.externalName?.replace(/\.$/, '') ?? ''
  return [...errors, ...(name === '' ? [check.required('spec.externalName')] : check.dnsSubdomain('spec.externalName', name))]
}

function portErrors(port: ServicePort, index: number, named: boolean): FieldErrors {
  const path = `spec.ports[${index}]`
  const name = check.unset(port.name)
    ? named
      ? [check.required(`${path}.name`)]
      : []
    : check.dnsLabel(`${path}.name`, port.name)
  return [
    ...name,
    ...check.portNumber(`${path}.port`, port.port ?? 0),
    ...check.requiredOneOf(`${path}.protocol`, port.protocol, PROTOCOLS),
    ...check.portNumberOrName(`${path}.targetPort`, port.targetPort),
    ...(port.appProtocol === undefined ? [] : check.qualifiedName(`${path}.appProtocol`, port.appProtocol)),
  ]
}

const duplicatePortNames = (ports: readonly ServicePort[]): FieldErrors =>
  check.uniqueBy(
    ports,
    (port) => port.name,
    (port, index) => check.duplicate(`spec.ports[${index}].name`, port.name),
  )

function duplicatePorts(spec: ServiceSpec): FieldErrors {
  const ports = spec.ports ?? []
  const forbidden = ports.flatMap((port, index) =>
    spec.type === 'ClusterIP' && !check.unset(port.nodePort)
      ? [check.forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'")]
      : [],
  )
  const nodePorts = check.uniqueBy(
    ports,
    (port) => (check.unset(port.nodePort) ? undefined : `${port.protocol}/${port.nodePort}`),
    (port, index) => check.duplicate(`spec.ports[${index}].nodePort`, port.nodePort),
  )
  const numbers = check.uniqueBy(
    ports,
    (port) => `${port.protocol}/${port.port}`,
    // The real server prints its internal type here, so the words need Go's field names.
    (port, index) =>
      check.duplicate(`spec.ports[${index}]`, {
        Name: '',
        Protocol: port.protocol,
        AppProtocol: null,
        Port: port.port,
        TargetPort: 0,
        NodePort: 0,
      }),
  )
  return [...forbidden, ...nodePorts, ...numbers]
}

function affinityErrors(spec: ServiceSpec): FieldErrors {
  const errors = check.requiredOneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  if (spec.sessionAffinity !== 'ClientIP') return errors
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0
  if (seconds > 0 && seconds <= DAY_IN_SECONDS) return errors
  const detail = `must be greater than 0 and less than ${DAY_IN_SECONDS}`
  return [...errors, check.invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, detail)]
}

function loadBalancerErrors(spec: ServiceSpec, before: ServiceSpec | undefined): FieldErrors {
  const balanced = spec.type === 'LoadBalancer'
  const errors: FieldError[] = []
  if (spec.loadBalancerSourceRanges !== undefined && spec.loadBalancerSourceRanges.length > 0) {
    if (!balanced) errors.push(check.forbidden('spec.LoadBalancerSourceRanges', ONLY_LOAD_BALANCER))
    for (const [index, range] of spec.loadBalancerSourceRanges.entries())
      if (parseRange(range.trim()) === undefined)
        errors.push(
          check.invalid(
            `spec.LoadBalancerSourceRanges[${index}]`,
            range.trim(),
            'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
          ),
        )
  }
  if (!balanced && spec.allocateLoadBalancerNodePorts !== undefined)
    errors.push(check.forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER))
  if (before?.type === 'LoadBalancer' && balanced && before.loadBalancerClass !== spec.loadBalancerClass)
    errors.push(check.invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'))
  if (spec.loadBalancerClass === undefined) return errors
  return balanced
    ? [...errors, ...check.qualifiedName('spec.loadBalancerClass', spec.loadBalancerClass)]
    : [...errors, check.forbidden('spec.loadBalancerClass', ONLY_LOAD_BALANCER)]
}

/** The older form of loadBalancerSourceRanges, which counts where that is empty. */
function annotatedRangeErrors(service: RawObject, spec: ServiceSpec): FieldErrors {
  const text = service.metadata.annotations?.[SOURCE_RANGES]
  if (text === undefined || (spec.loadBalancerSourceRanges ?? []).length > 0) return []
  const path = `metadata.annotations[${SOURCE_RANGES}]`
  if (spec.type !== 'LoadBalancer') return [check.forbidden(path, ONLY_LOAD_BALANCER)]
  const ranges = text.trim() === '' ? [] : text.split(',').map((each) => each.trim())
  if (ranges.every((each) => parseRange(each) !== undefined)) return []
  return [check.invalid(path, text, 'must be a comma separated list of CIDRs e.g. 192.168.0.0/16,10.0.0.0/8')]
}

function trafficErrors(spec: ServiceSpec): FieldErrors {
  const external = externallyAccessible(spec)
    ? check.requiredOneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, POLICIES)
    : check.unset(spec.externalTrafficPolicy)
      ? []
      : [
          check.invalid(
            'spec.externalTrafficPolicy',
            spec.externalTrafficPolicy,
            'may only be set for externally-accessible services',
          ),
        ]
  const health =
    check.unset(spec.healthCheckNodePort) || needsHealthCheck(spec)
      ? []
      : [
          check.invalid(
            'spec.healthCheckNodePort',
            spec.healthCheckNodePort,
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
          ),
        ]
  const internal = needsClusterIP(spec)
    ? check.requiredOneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, POLICIES)
    : []
  return [
    ...external,
    ...health,
    ...internal,
    ...check.oneOf('spec.trafficDistribution', spec.trafficDistribution, ['PreferClose', 'PreferSameNode', 'PreferSameZone']),
  ]
}

function statusErrors(service: RawObject, spec: ServiceSpec): FieldErrors {
  const path = 'status.loadBalancer.ingress'
  const ingress = ingressOf(service)
  if (ingress.length > 0 && spec.type !== 'LoadBalancer')
    return [check.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
  return ingress.flatMap(({ ip, hostname, ipMode }, index) => [
    ...(check.unset(ip) ? [] : address(`${path}[${index}].ip`, ip)),
    ...(check.unset(ip) && ipMode !== undefined
      ? [check.forbidden(`${path}[${index}].ipMode`, 'may not be specified when `ip` is not set')]
      : []),
    ...check.oneOf(`${path}[${index}].ipMode`, ipMode, ['Proxy', 'VIP']),
    ...(check.unset(hostname) ? [] : check.dnsSubdomain(`${path}[${index}].hostname`, hostname)),
    ...(hostname !== undefined && parseAddress(hostname) !== undefined
      ? [check.invalid(`${path}[${index}].hostname`, hostname, 'must be a DNS name, not an IP address')]
      : []),
  ])
}
