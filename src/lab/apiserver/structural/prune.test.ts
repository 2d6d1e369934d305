import { expect, test } from 'vitest'
import { compileSchema, type StructuralSchema } from './structural.ts'

const STRING: StructuralSchema = { type: 'string' }
const schema: StructuralSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        a: STRING,
        list: { type: 'array', items: { type: 'object', properties: { b: STRING } } },
        map: { type: 'object', additionalProperties: { type: 'object', properties: { c: STRING } } },
        anything: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { known: { type: 'object', properties: { d: STRING } } },
        },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } },
        free: { type: 'object', additionalProperties: true },
      },
    },
  },
}
const { prune } = compileSchema(schema)

test('what the schema does not know goes, by path', () => {
  const object = {
    apiVersion: 'g/v1',
    kind: 'K',
    metadata: { name: 'x', odd: 1 },
    odd: 1,
    spec: {
      a: 'a',
      zoo: 1,
      list: [{ b: 'b' }, { b: 'b', x: 1 }],
      map: { k: { c: 'c', x: 1 } },
      anything: { known: { d: 'd', x: 1 }, other: { deep: [1] } },
      template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'y', odd: 1 }, spec: { x: 1 }, status: {} },
      free: { a: 1, b: { c: 1 } },
    },
  }
  const before = structuredClone(object)
  const { object: pruned, unknown } = prune(object)
  expect(object).toEqual(before)
  expect(unknown).toEqual(
    [
      'odd',
      'spec.anything.known.x',
      'spec.free.b.c',
      'spec.list[1].x',
      'spec.map.k.x',
      'spec.template.metadata.odd',
      'spec.template.spec.x',
      'spec.template.status',
      'spec.zoo',
    ].map((path) => `unknown field "${path}"`),
  )
  expect(pruned).toEqual({
    apiVersion: 'g/v1',
    kind: 'K',
    metadata: { name: 'x', odd: 1 },
    spec: {
      a: 'a',
      list: [{ b: 'b' }, { b: 'b' }],
      map: { k: { c: 'c' } },
      anything: { known: { d: 'd' }, other: { deep: [1] } },
      template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'y' }, spec: {} },
      free: { a: 1, b: {} },
    },
  })
})

test('what is known is shared', () => {
  const object = { spec: { a: 'a', list: [{ b: 'b' }] } }
  expect(prune(object)).toEqual({ object, unknown: [] })
  expect(prune(object).object).toBe(object)
})
