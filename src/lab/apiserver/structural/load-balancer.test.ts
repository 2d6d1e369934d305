import { describe, expect, test } from 'vitest'
import { fieldErrorDetail } from '../field-error.ts'
import { compileSchema, type StructuralSchema, schemaErrors } from './structural.ts'

/** The shape of MetalLB's address pools. */
const POOL: StructuralSchema = {
  type: 'object',
  required: ['spec'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      required: ['addresses'],
      properties: {
        addresses: { type: 'array', items: { type: 'string' } },
        autoAssign: { type: 'boolean', default: true },
        avoidBuggyIPs: { type: 'boolean', default: false },
        serviceAllocation: {
          type: 'object',
          properties: {
            priority: { type: 'integer' },
            namespaces: { type: 'array', items: { type: 'string' } },
            serviceSelectors: {
              type: 'array',
              items: {
                type: 'object',
                'x-kubernetes-map-type': 'atomic',
                properties: { matchLabels: { type: 'object', additionalProperties: { type: 'string' } } },
              },
            },
          },
        },
      },
    },
    status: { type: 'object', properties: { availableIPv4: { type: 'integer', format: 'int64' } } },
  },
}

/** The shape of its BGP peers. */
const PEER: StructuralSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['myASN'],
      properties: {
        myASN: { type: 'integer', format: 'int32', minimum: 0, maximum: 4294967295 },
        dynamicASN: { type: 'string', enum: ['internal', 'external'] },
        peerPort: { type: 'integer', default: 179, minimum: 1, maximum: 16384 },
        connectTime: {
          type: 'string',
          'x-kubernetes-validations': [
            {
              rule: 'duration(self).getSeconds() >= 1 && duration(self).getSeconds() <= 65535',
              message: 'connect time should be between 1 seconds to 65535',
            },
          ],
        },
        enableGracefulRestart: {
          type: 'boolean',
          'x-kubernetes-validations': [
            { rule: 'self == oldSelf', message: 'EnableGracefulRestart cannot be changed after creation' },
          ],
        },
      },
    },
  },
}

const words = (schema: StructuralSchema, spec: unknown, old?: unknown): readonly string[] =>
  compileSchema(schema)
    .validate({ spec }, old === undefined ? undefined : { spec: old })
    .map((error) => `${error.field}: ${fieldErrorDetail(error)}`)

test('both are accepted', () => {
  expect([POOL, PEER].flatMap((schema) => schemaErrors(schema, 's'))).toEqual([])
})

test('a pool gets its defaults, loses what nobody knows, and is checked', () => {
  const { prune, applyDefaults } = compileSchema(POOL)
  const { object, unknown } = prune({
    spec: {
      addresses: ['192.0.2.0/24'],
      protocol: 'bgp',
      serviceAllocation: { serviceSelectors: [{ matchLabels: { a: 'b' }, x: 1 }] },
    },
  })
  expect(unknown).toEqual(['unknown field "spec.protocol"', 'unknown field "spec.serviceAllocation.serviceSelectors[0].x"'])
  expect(applyDefaults(object)).toEqual({
    spec: {
      addresses: ['192.0.2.0/24'],
      autoAssign: true,
      avoidBuggyIPs: false,
      serviceAllocation: { serviceSelectors: [{ matchLabels: { a: 'b' } }] },
    },
  })
  expect(words(POOL, {})).toEqual(['spec.addresses: Required value'])
  expect(compileSchema(POOL).validate({})).toEqual([{ type: 'Required', field: 'spec' }])
})

describe('a peer', () => {
  test('an AS number of four bytes is one, whatever its format says', () => {
    expect(words(PEER, { myASN: 4200000000 })).toEqual([])
    expect(words(PEER, { myASN: 4294967296 })).toEqual([
      'spec.myASN: Invalid value: 4294967296: spec.myASN in body should be less than or equal to 4294967295',
    ])
  })

  test('its rules', () => {
    expect(words(PEER, { myASN: 1, connectTime: '0s' })).toEqual([
      'spec.connectTime: Invalid value: "string": connect time should be between 1 seconds to 65535',
    ])
    expect(words(PEER, { myASN: 1, enableGracefulRestart: true }, { myASN: 1, enableGracefulRestart: false })).toEqual([
      'spec.enableGracefulRestart: Invalid value: "boolean": EnableGracefulRestart cannot be changed after creation',
    ])
    expect(words(PEER, { myASN: 1, dynamicASN: 'both' })).toEqual([
      'spec.dynamicASN: Unsupported value: "both": supported values: "internal", "external"',
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ])
  })
})
