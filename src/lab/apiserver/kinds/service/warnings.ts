import ipaddr from 'ipaddr.js'
import { formatAddress, parseAddress, parseRange } from '../../allocators/address.ts'
import type { RawObject } from '../../kind.ts'
import { unset } from '../check.ts'
import { isHeadless, specOf } from './types.ts'

const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints'
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode'

/** What a Service says that will be ignored, or not be taken for long. Source: kubernetes pkg/api/service/warnings.go. */
export function serviceWarnings(service: RawObject): readonly string[] {
  const spec = specOf(service)
  const headless = spec.type === 'ClusterIP' && isHeadless(spec)
  const outside = spec.type === 'ExternalName'
  const { externalIPs = [], loadBalancerSourceRanges: ranges = [], clusterIPs = [] } = spec
  const isSet = (value: unknown): boolean => !unset(value)
  const sentences: readonly (readonly [boolean, string])[] = [
    [
      service.metadata.annotations?.[TOPOLOGY_HINTS] !== undefined,
      `annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`,
    ],
    [headless && isSet(spec.loadBalancerIP), 'spec.loadBalancerIP is ignored for headless services'],
    [headless && externalIPs.length > 0, 'spec.externalIPs is ignored for headless services'],
    [headless && spec.sessionAffinity !== 'None', 'spec.SessionAffinity is ignored for headless services'],
    [
      externalIPs.length > 0 && !headless && !outside,
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    ],
    [outside && externalIPs.length > 0, 'spec.externalIPs is ignored when spec.type is "ExternalName"'],
    [!outside && isSet(spec.externalName), 'spec.externalName is ignored when spec.type is not "ExternalName"'],
    [spec.trafficDistribution === 'PreferClose', 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
  ]
  return [
    ...clusterIPs.flatMap((ip, index) => addressWarnings(`spec.clusterIPs[${index}]`, ip)),
    ...externalIPs.flatMap((ip, index) => addressWarnings(`spec.externalIPs[${index}]`, ip)),
    ...addressWarnings('spec.loadBalancerIP', spec.loadBalancerIP ?? ''),
    ...ranges.flatMap((range, index) => rangeWarnings(`spec.loadBalancerSourceRanges[${index}]`, range)),
    ...sentences.flatMap(([holds, sentence]) => (holds ? [sentence] : [])),
  ]
}

/** Source: apimachinery pkg/util/validation/ip.go. */
function addressWarnings(field: string, text: string): readonly string[] {
  const address = parseAddress(text)
  if (address === undefined || formatAddress(address) === text) return []
  return [`${field}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${formatAddress(address)}")`]
}

function rangeWarnings(field: string, text: string): readonly string[] {
  const range = parseRange(text)
  if (range === undefined || range.exact) return []
  const [address, length] = ipaddr.parseCIDR(text)
  const network = formatAddress({ family: range.family, value: range.first })
  const single = `${address.toString()}/${range.family === 'IPv4' ? 32 : 128}`
  return [`${field}: CIDR value "${text}" is ambiguous in this context (should be "${network}/${length}" or "${single}"?)`]
}
