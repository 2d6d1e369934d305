import { expect, test } from 'vitest'
import { fieldErrorDetail } from '../../field-error.ts'
import { environmentErrors } from './environment.ts'
import type { Container } from './types.ts'

const said = (container: Container): readonly string[] =>
  environmentErrors('c', container).map((error) => `${error.field}: ${fieldErrorDetail(error)}`)

test('every source is taken', () => {
  const env = [
    { name: 'PLAIN', value: 'x' },
    { name: 'EMPTY' },
    { name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
    { name: 'LABEL', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['a.b/c']" } } },
    { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    { name: 'MAP', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } },
    { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
  ]
  expect(said({ env, envFrom: [{ prefix: 'A_', configMapRef: { name: 'm' } }, { secretRef: { name: 's' } }] })).toEqual([])
})

test.each<[string, Container, readonly string[]]>([
  ['no name', { env: [{ value: 'x' }] }, ['c.env[0].name: Required value']],
  [
    'a value and a source',
    { env: [{ name: 'A', value: 'x', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } }] },
    ['c.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
  ],
  [
    'no source',
    { env: [{ name: 'A', valueFrom: {} }] },
    [
      'c.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    ],
  ],
  [
    'two sources',
    { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' }, configMapKeyRef: { name: 'm', key: 'k' } } }] },
    ['c.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time'],
  ],
  [
    'a field that is none',
    { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.nope' } } }] },
    [
      'c.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.nope": error converting fieldPath: field label not supported: metadata.nope',
    ],
  ],
  [
    'a field that is for volumes',
    { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] },
    [
      'c.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    ],
  ],
  [
    'half a key',
    { env: [{ name: 'A', valueFrom: { secretKeyRef: {} } }] },
    ['c.env[0].valueFrom.secretKeyRef.name: Required value', 'c.env[0].valueFrom.secretKeyRef.key: Required value'],
  ],
  [
    'whole objects',
    { envFrom: [{}, { configMapRef: { name: 'm' }, secretRef: {} }] },
    [
      'c.envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
      'c.envFrom[1].secretRef.name: Required value',
      'c.envFrom[1]: Invalid value: "": may not have more than one field specified at a time',
    ],
  ],
])('%s is refused', (_what, container, errors) => {
  expect(said(container)).toEqual(errors)
})
