import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileSchema, type StructuralSchema, schemaErrors } from './structural.ts'

const name = fc.constantFrom('a', 'b', 'c')

/** Schemas that are accepted, with defaults that fit. */
const { schema } = fc.letrec<{ schema: StructuralSchema; object: StructuralSchema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record(
      { type: fc.constant('string'), maxLength: fc.integer({ min: 1, max: 3 }), default: fc.constantFrom('', 'x') },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      { type: fc.constant('integer'), minimum: fc.integer({ min: -3, max: 0 }), default: fc.constant(1), nullable: fc.boolean() },
      { requiredKeys: ['type'] },
    ),
    fc.constant<StructuralSchema>({ 'x-kubernetes-int-or-string': true }),
    fc.constant<StructuralSchema>({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }),
    tie('object'),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('schema') }),
  ),
  object: fc.record(
    { type: fc.constant('object'), properties: fc.dictionary(name, tie('schema'), { maxKeys: 3 }), default: fc.constant({}) },
    { requiredKeys: ['type', 'properties'] },
  ),
}))
const root = schema.map((spec): StructuralSchema => ({ type: 'object', properties: { spec } }))

/** Values of which many fit a schema of above, or nearly. */
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>('', 'x', 'long', 0, 5, -9, 1.5, true, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 3 }),
  ),
})).value
const object = fc.record({ spec: value }, { requiredKeys: [] })

/** A value of a schema. */
function fitting(of: StructuralSchema, seed: number): unknown {
  if (of.type === 'string') return seed % 2 === 0 ? '' : 'y'
  if (of.type === 'integer') return of.nullable === true && seed % 3 === 0 ? null : seed % 5
  if (of.type === 'array') return Array.from({ length: seed % 3 }, (_, index) => fitting(of.items ?? {}, seed + index))
  if (of.type !== 'object') return seed % 2 === 0 ? seed : 'z'
  if (typeof of.additionalProperties === 'object') return { k: fitting(of.additionalProperties, seed + 1) }
  const chosen = Object.entries(of.properties ?? {}).filter((_, index) => (seed + index) % 2 === 0)
  return Object.fromEntries(chosen.map(([field, property]) => [field, fitting(property, seed + 1)]))
}

test('the schemas of this test are accepted', () => {
  fc.assert(
    fc.property(root, (of) => {
      expect(schemaErrors(of, 's')).toEqual([])
    }),
  )
})

test('pruning and defaulting twice is pruning and defaulting once', () => {
  fc.assert(
    fc.property(root, object, (of, given) => {
      const { prune, applyDefaults } = compileSchema(of)
      const pruned = prune(given)
      expect(prune(pruned.object)).toEqual({ object: pruned.object, unknown: [] })
      const defaulted = applyDefaults(pruned.object)
      expect(applyDefaults(defaulted)).toEqual(defaulted)
      expect(prune(defaulted).unknown).toEqual([])
    }),
  )
})

test('what fits is neither pruned nor wrong, before defaults and after', () => {
  fc.assert(
    fc.property(root, fc.nat(), (of, seed) => {
      const { prune, applyDefaults, validate } = compileSchema(of)
      const given = { spec: fitting(of.properties?.spec ?? {}, seed) }
      expect(prune(given).unknown).toEqual([])
      expect(validate(given)).toEqual([])
      expect(validate(applyDefaults(given))).toEqual([])
    }),
  )
})

test('an update that changes nothing is never wrong, and nothing is changed in place', () => {
  fc.assert(
    fc.property(root, object, (of, given) => {
      const before = structuredClone(given)
      const { prune, applyDefaults, validate } = compileSchema(of)
      const stored = applyDefaults(prune(given).object)
      expect(validate(stored, stored)).toEqual([])
      expect(given).toEqual(before)
    }),
  )
})
