import { describe, expect, test } from 'vitest'
import { type FieldMeta, fieldMeta } from '../schema/schema.ts'
import { memberElement } from './field-set.ts'

const common = { optional: true, patchStrategy: [], atomic: false } as const

describe('the name of a list member', () => {
  test("a port's protocol is its default where it is left out", () => {
    const ports = fieldMeta('io.k8s.api.core.v1.Service', ['spec', 'ports']) as FieldMeta
    expect(memberElement(ports, { port: 80 })).toBe('k:{"port":80,"protocol":"TCP"}')
    expect(memberElement(ports, { port: 80, protocol: 'UDP' })).toBe('k:{"port":80,"protocol":"UDP"}')
  })

  test('of a custom resource, a key has the default of its own schema or none', () => {
    const list = (protocol: Partial<FieldMeta>): FieldMeta => ({
      ...{ ...common, type: 'list', listType: 'map', listMapKeys: ['port', 'protocol'] },
      item: {
        ...{ ...common, type: 'object' },
        fields: new Map<string, FieldMeta>([
          ['port', { ...common, type: 'integer' }],
          ['protocol', { ...common, type: 'string', ...protocol }],
        ]),
      },
    })
    expect(memberElement(list({}), { port: 80 })).toBe('k:{"port":80}')
    expect(memberElement(list({ default: 'QUIC' }), { port: 80 })).toBe('k:{"port":80,"protocol":"QUIC"}')
  })
})
