import { parseRange } from '../allocators/address.ts'
import type { FieldError, RawObject } from '../kind.ts'
import * as check from './check.ts'
import { range } from './check-address.ts'
import { ageColumn, column, defineKind, nameColumn, wide } from './define.ts'

interface Taint {
  key?: string
  value?: string
  effect?: string
}

interface Node extends RawObject {
  spec?: { podCIDR?: string; podCIDRs?: string[]; taints?: Taint[]; unschedulable?: boolean; providerID?: string }
  status?: {
    conditions?: { type?: string; status?: string }[]
    addresses?: { type?: string; address?: string }[]
    nodeInfo?: Record<string, string>
    daemonEndpoints?: { kubeletEndpoint?: { Port?: number } }
  }
}

const EFFECTS = ['NoExecute', 'NoSchedule', 'PreferNoSchedule']
const INFO = [
  ...[
    'machineID',
    'systemUUID',
    'bootID',
    'kernelVersion',
    'osImage',
    'containerRuntimeVersion',
    'kubeletVersion',
    'kubeProxyVersion',
  ],
  ...['operatingSystem', 'architecture'],
]

function defaults(object: RawObject): void {
  const node = object as Node
  node.spec ??= {}
  const { spec } = node
  if (spec.podCIDRs !== undefined) spec.podCIDR = spec.podCIDRs[0] ?? ''
  else if (!check.unset(spec.podCIDR)) spec.podCIDRs = [spec.podCIDR ?? '']
  if (spec.unschedulable === false) delete spec.unschedulable
  node.status ??= {}
  node.status.daemonEndpoints = { kubeletEndpoint: { Port: 0, ...node.status.daemonEndpoints?.kubeletEndpoint } }
  node.status.nodeInfo = { ...Object.fromEntries(INFO.map((field) => [field, ''])), ...node.status.nodeInfo }
}

function validate(object: RawObject, old: RawObject | undefined, subresource: string): check.FieldErrors {
  if (subresource === 'status') return []
  const { spec = {} } = object as Node
  const before = (old as Node | undefined)?.spec
  return [
    ...rangeErrors(spec.podCIDRs ?? []),
    ...taintErrors(spec.taints ?? []),
    ...(before === undefined ? [] : updateErrors(spec, before)),
  ]
}

function rangeErrors(ranges: readonly string[]): check.FieldErrors {
  const families = ranges.map((text) => parseRange(text)?.family)
  const one =
    new Set(families).size === ranges.length
      ? []
      : [check.invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family')]
  return [...ranges.flatMap((text, index) => range(`spec.podCIDRs[${index}]`, text)), ...one]
}

function taintErrors(taints: readonly Taint[]): check.FieldErrors {
  return [
    ...taints.flatMap(({ key = '', value = '', effect }, index) => [
      ...check.qualifiedName(`spec.taints[${index}].key`, key),
      ...check.labelValue(`spec.taints[${index}].value`, value),
      ...check.requiredOneOf(`spec.taints[${index}].effect`, effect, EFFECTS),
    ]),
    ...check.uniqueBy(
      taints,
      (taint) => `${taint.key}:${taint.effect}`,
      (taint, index) => check.duplicate(`spec.taints[${index}]`, taint),
    ),
  ]
}

/** What a node got once it keeps: its pod ranges and its provider's name for it. */
function updateErrors(spec: NonNullable<Node['spec']>, before: NonNullable<Node['spec']>): check.FieldErrors {
  const errors: FieldError[] = []
  if (before.podCIDRs !== undefined && !check.sameJson(spec.podCIDRs, before.podCIDRs))
    errors.push(check.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
  if (!check.unset(before.providerID) && spec.providerID !== before.providerID)
    errors.push(check.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  return errors
}

function status(object: RawObject): string {
  const node = object as Node
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return node.spec?.unschedulable ? `${word},SchedulingDisabled` : word
}

function roles(object: RawObject): string {
  const names = Object.entries(object.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith('node-role.kubernetes.io/')) return key.slice('node-role.kubernetes.io/'.length) || []
    return key === 'kubernetes.io/role' && value !== '' ? value : []
  })
  return [...new Set(names)].toSorted().join(',') || '<none>'
}

const addressOf =
  (type: string) =>
  (object: RawObject): string =>
    (object as Node).status?.addresses?.find((address) => address.type === type)?.address ?? '<none>'

const info = (object: RawObject, field: string): string => (object as Node).status?.nodeInfo?.[field] || '<unknown>'

function kernel(object: RawObject): string {
  const architecture = (object as Node).status?.nodeInfo?.architecture
  return architecture ? `${info(object, 'kernelVersion')} (${architecture})` : info(object, 'kernelVersion')
}

export const node = defineKind({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  subresources: ['status'],
  schema: 'io.k8s.api.core.v1.Node',
  storagePath: 'minions',
  selectableFields: { 'spec.unschedulable': (object) => String((object as Node).spec?.unschedulable ?? false) },
  defaults,
  validate,
  columns: [
    nameColumn,
    column('Status', 'string', 'The status of the node', status),
    column('Roles', 'string', 'The roles of the node', roles),
    ageColumn,
    column(
      'Version',
      'string',
      'api.core.v1.NodeSystemInfo.kubeletVersion',
      (object) => (object as Node).status?.nodeInfo?.kubeletVersion ?? '',
    ),
    wide('Internal-IP', 'string', 'api.core.v1.NodeStatus.addresses', addressOf('InternalIP')),
    wide('External-IP', 'string', 'api.core.v1.NodeStatus.addresses', addressOf('ExternalIP')),
    wide('OS-Image', 'string', 'api.core.v1.NodeSystemInfo.osImage', (object) => info(object, 'osImage')),
    wide('Kernel-Version', 'string', 'api.core.v1.NodeSystemInfo.kernelVersion', kernel),
    wide('Container-Runtime', 'string', 'api.core.v1.NodeSystemInfo.containerRuntimeVersion', (object) =>
      info(object, 'containerRuntimeVersion'),
    ),
  ],
})
