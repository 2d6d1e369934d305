/** Names of Go types, which the API server's messages about wrong types carry. */
import type { FieldMeta } from './types.ts'

/** String types with a name of their own; every other string is a `string`. */
const NAMED: Readonly<Record<string, string>> = {
  'ServiceSpec.type': 'v1.ServiceType',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.externalTrafficPolicy': 'v1.ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'v1.ServiceInternalTrafficPolicy',
  'ServiceSpec.ipFamilyPolicy': 'v1.IPFamilyPolicy',
  'ServiceSpec.ipFamilies': '[]v1.IPFamily',
  'ServicePort.protocol': 'v1.Protocol',
  'ContainerPort.protocol': 'v1.Protocol',
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'Taint.effect': 'v1.TaintEffect',
  'Toleration.effect': 'v1.TaintEffect',
  'Toleration.operator': 'v1.TolerationOperator',
  'Secret.type': 'v1.SecretType',
  'EndpointSlice.addressType': 'v1.AddressType',
  'ObjectMeta.uid': 'types.UID',
  'ResourceRequirements.limits': 'v1.ResourceList',
  'ResourceRequirements.requests': 'v1.ResourceList',
}

/** `ServiceSpec` of `io.k8s.api.core.v1.ServiceSpec`. */
export const goStruct = (schema: string): string => schema.slice(schema.lastIndexOf('.') + 1)

/** The Go type of a field, as `encoding/json` names it. `place` is `Struct.field`. */
export function goType(meta: FieldMeta, place: string): string {
  return NAMED[place] ?? plain(meta)
}

function plain(meta: FieldMeta): string {
  switch (meta.type) {
    case 'object':
      return (meta.schema ?? '').split('.').slice(-2).join('.')
    case 'list':
      return `[]${meta.item === undefined ? 'interface {}' : plain(meta.item)}`
    case 'map':
      return `map[string]${meta.item === undefined ? 'interface {}' : plain(meta.item)}`
    case 'integer':
      return meta.bits === 32 ? 'int32' : 'int64'
    case 'number':
      return 'float64'
    case 'boolean':
      return 'bool'
    case 'bytes':
      return '[]uint8'
    case 'int-or-string':
      return 'intstr.IntOrString'
    case 'quantity':
      return 'resource.Quantity'
    default:
      return 'string'
  }
}
