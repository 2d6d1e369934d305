/** Defaults and refusals of the kinds that are mostly stored. */
import { describe, expect, test } from 'vitest'
import { fieldErrorDetail } from '../field-error.ts'
import type { KindRecord, RawObject } from '../kind.ts'
import { makeKinds } from './index.ts'

const kinds = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30000, 32767] })
const kindOf = (name: string): KindRecord => kinds.find(({ kind }) => kind === name) as KindRecord

function made(kind: string, parts: object, old?: RawObject): RawObject {
  const record = kindOf(kind)
  const object = { apiVersion: 'x', kind, metadata: { name: 'a', namespace: 'default' }, ...structuredClone(parts) } as RawObject
  record.defaults(object)
  record.prepare?.(object, old)
  return object
}

const said = (kind: string, parts: object, old?: RawObject): readonly string[] =>
  kindOf(kind)
    .validate(made(kind, parts, old), old, '')
    .map((error) => `${error.field}: ${fieldErrorDetail(error)}`)

test('a network policy says what it is for', () => {
  const { spec } = made('NetworkPolicy', { spec: { egress: [{ ports: [{ port: 53 }] }] } })
  expect(spec).toEqual({
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
  })
})

describe('refusals', () => {
  test.each<[string, object, readonly string[]]>([
    [
      'NetworkPolicy',
      { spec: { policyTypes: ['Both'] } },
      ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Egress", "Ingress"'],
    ],
    [
      'CronJob',
      { spec: { schedule: '61 * * * *', timeZone: 'Mars/Base', jobTemplate: { spec: { template: { spec: {} } } } } },
      [
        'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
        'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
        'spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
      ],
    ],
    [
      'CronJob',
      {
        spec: {
          schedule: '@daily',
          timeZone: 'Europe/Berlin',
          jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never' } } } },
        },
      },
      [],
    ],
    [
      'Job',
      { spec: { template: { spec: {} } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'PriorityClass',
      { value: 2_000_000_000 },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    ['IngressClass', { spec: {} }, ['spec.controller: Required value']],
    [
      'IngressClass',
      { spec: { controller: 'nginx' } },
      ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'IngressClass',
      { spec: { controller: 'a.b/c', parameters: { kind: 'K', name: 'n', namespace: 'x' } } },
      ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ],
    ['ServiceCIDR', { spec: {} }, ['spec.cidrs: Required value: at least one CIDR required']],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.1/8'] } },
      ['spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length'],
    ],
    ['IPAddress', {}, ['spec.parentRef: Required value']],
    [
      'Role',
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      'RoleBinding',
      { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 's' }] },
      ['subjects[0].namespace: Required value'],
    ],
    [
      'ClusterRoleBinding',
      { roleRef: { kind: 'Role', name: 'r' } },
      ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
    ],
  ])('%s %j', (kind, parts, sentences) => {
    expect(said(kind, parts)).toEqual(sentences)
  })
})

test('what stays as it was made', () => {
  const priority = made('PriorityClass', { value: 5 })
  expect(said('PriorityClass', { value: 6 }, priority)).toEqual(['value: Forbidden: may not be changed in an update.'])
  const ingressClass = made('IngressClass', { spec: { controller: 'a.b/c' } })
  expect(said('IngressClass', { spec: { controller: 'a.b/d' } }, ingressClass)).toEqual([
    'spec.controller: Invalid value: "a.b/d": field is immutable',
  ])
})

test('columns of what has no recorded table', () => {
  const cells = (kind: string, parts: object) =>
    kindOf(kind)
      .columns.filter(({ name }) => name !== 'Age')
      .map((column) => column.value(made(kind, parts), 0))
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'web' }
  expect(cells('IPAddress', { spec: { parentRef } })).toEqual(['a', 'services/default/web'])
  const parameters = { apiGroup: 'g.io', kind: 'K', name: 'n' }
  expect(cells('IngressClass', { spec: { controller: 'c.io/x', parameters } })).toEqual(['a', 'c.io/x', 'K.g.io/n'])
  const subjects = [
    { kind: 'User', name: 'u' },
    { kind: 'ServiceAccount', name: 's', namespace: 'n' },
  ]
  const binding = { roleRef: { kind: 'Role', name: 'r' }, subjects }
  expect(cells('RoleBinding', binding)).toEqual(['a', 'Role/r', 'u', '', 'n/s'])
})
