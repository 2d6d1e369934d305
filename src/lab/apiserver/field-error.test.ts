import { expect, test } from 'vitest'
import { invalidStatus } from './field-error.ts'
import type { FieldError } from './kind.ts'

const NODE_PORT: FieldError = {
  type: 'Invalid',
  field: 'spec.ports[0].nodePort',
  value: 30718,
  detail: 'provided port is already allocated',
}
const TYPE: FieldError = { type: 'NotSupported', field: 'spec.type', value: 'X', supported: ['A', 'B'] }

test('one error of a core kind', () => {
  expect(invalidStatus({ group: '', kind: 'Service' }, 'e1', [NODE_PORT])).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Service "e1" is invalid: spec.ports[0].nodePort: Invalid value: 30718: provided port is already allocated',
    reason: 'Invalid',
    details: {
      name: 'e1',
      kind: 'Service',
      causes: [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: 30718: provided port is already allocated',
          field: 'spec.ports[0].nodePort',
        },
      ],
    },
    code: 422,
  })
})

test('several errors of a kind with a group, equal ones said once', () => {
  const status = invalidStatus({ group: 'discovery.k8s.io', kind: 'EndpointSlice' }, 'e', [NODE_PORT, TYPE, TYPE])
  expect(status.message).toBe(
    'EndpointSlice.discovery.k8s.io "e" is invalid: [spec.ports[0].nodePort: Invalid value: 30718: provided port is already allocated, spec.type: Unsupported value: "X": supported values: "A", "B"]',
  )
  expect(status.details).toMatchObject({ group: 'discovery.k8s.io', causes: [{}, {}, {}] })
})

test.each<[FieldError, string]>([
  [{ type: 'Required', field: 'a' }, 'a: Required value'],
  [{ type: 'Required', field: 'a', detail: 'because' }, 'a: Required value: because'],
  [{ type: 'Forbidden', field: 'a', detail: 'no' }, 'a: Forbidden: no'],
  [{ type: 'Duplicate', field: 'a', value: 'x' }, 'a: Duplicate value: "x"'],
  [{ type: 'NotFound', field: 'a', value: 'x' }, 'a: Not found: "x"'],
  [{ type: 'TooMany', field: 'a', value: 5, detail: 'must have at most 4 items' }, 'a: Too many: 5: must have at most 4 items'],
  [
    { type: 'TooLong', field: 'a', value: 'x', detail: 'may not be more than 63 bytes' },
    'a: Too long: may not be more than 63 bytes',
  ],
])('%j', (error, sentence) => {
  expect(invalidStatus({ group: '', kind: 'K' }, 'n', [error]).message).toBe(`K "n" is invalid: ${sentence}`)
})
