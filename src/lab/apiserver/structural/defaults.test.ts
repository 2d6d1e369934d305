import { expect, test } from 'vitest'
import { compileSchema, type StructuralSchema } from './structural.ts'

const INTEGER: StructuralSchema = { type: 'integer' }
const defaults = (spec: StructuralSchema, value: unknown): unknown =>
  (compileSchema({ type: 'object', properties: { spec } }).applyDefaults({ spec: value }) as { readonly spec?: unknown }).spec
const object = (properties: Readonly<Record<string, StructuralSchema>>, more: StructuralSchema = {}): StructuralSchema => ({
  type: 'object',
  properties,
  ...more,
})

test.each<[string, StructuralSchema, unknown, unknown]>([
  ['a missing field', object({ a: { ...INTEGER, default: 1 } }), {}, { a: 1 }],
  ['not one that is there', object({ a: { ...INTEGER, default: 1 } }), { a: 0 }, { a: 0 }],
  ['inside a default', object({ a: object({ b: { ...INTEGER, default: 1 } }, { default: {} }) }), {}, { a: { b: 1 } }],
  ['not inside what is missing', object({ a: object({ b: { ...INTEGER, default: 1 } }) }), {}, {}],
  ['in lists', { type: 'array', items: object({ a: { ...INTEGER, default: 1 } }) }, [{}, { a: 2 }], [{ a: 1 }, { a: 2 }]],
  ['in maps', { type: 'object', additionalProperties: object({ a: { ...INTEGER, default: 1 } }) }, { k: {} }, { k: { a: 1 } }],
  ['instead of a null that is not allowed', object({ a: { ...INTEGER, default: 1 } }), { a: null }, { a: 1 }],
  ['not instead of one that is', object({ a: { ...INTEGER, default: 1, nullable: true } }), { a: null }, { a: null }],
  ['a null without default goes', object({ a: INTEGER }), { a: null }, {}],
  ['a null in a list stays', { type: 'array', items: INTEGER }, [null], [null]],
  ['a null in a map goes', { type: 'object', additionalProperties: INTEGER }, { k: null }, {}],
])('%s', (_, schema, given, expected) => {
  expect(defaults(schema, given)).toEqual(expected)
})

test('a default is not shared between objects', () => {
  const { applyDefaults } = compileSchema(object({ a: object({}, { default: { x: 1 } }) }))
  const [one, two] = [applyDefaults({}), applyDefaults({})] as { a?: object }[]
  expect(one?.a).toEqual({ x: 1 })
  expect(one?.a).not.toBe(two?.a)
})
