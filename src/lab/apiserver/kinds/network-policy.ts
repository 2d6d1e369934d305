import type { RawObject } from '../kind.ts'
import * as check from './check.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'
import { type LabelSelector, labelSelectorText, selectorErrors } from './label-selector.ts'

interface Port {
  protocol?: string
}

/** The parts of a NetworkPolicy that rules look at. The lab stores it; nothing enforces it. */
interface PolicySpec {
  podSelector?: LabelSelector
  policyTypes?: string[]
  ingress?: { ports?: Port[] }[]
  egress?: { ports?: Port[] }[]
}

function specOf(object: RawObject): PolicySpec {
  object.spec ??= {}
  return object.spec as PolicySpec
}

function defaults(object: RawObject): void {
  const spec = specOf(object)
  spec.podSelector ??= {}
  spec.policyTypes ??= spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress']
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
    for (const port of rule.ports ?? []) port.protocol ||= 'TCP'
}

function validate(object: RawObject): check.FieldErrors {
  const { podSelector, policyTypes = [] } = specOf(object)
  return [
    ...selectorErrors('spec.podSelector', podSelector),
    ...policyTypes.flatMap((type, index) => check.oneOf(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress'])),
  ]
}

export const networkPolicy = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  namespaced: true,
  schema: 'io.k8s.api.networking.v1.NetworkPolicy',
  countsGeneration: true,
  defaults,
  validate,
  columns: [
    nameColumn,
    column('Pod-Selector', 'string', 'api.networking.v1.NetworkPolicySpec.podSelector', (object) =>
      labelSelectorText(specOf(object).podSelector),
    ),
    ageColumn,
  ],
})
