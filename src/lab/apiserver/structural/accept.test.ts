import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldErrorDetail } from '../field-error.ts'
import { compileSchema, type StructuralSchema, schemaErrors } from './structural.ts'

const words = (schema: unknown): readonly string[] =>
  schemaErrors(schema, 's').map((error) => `${error.field}: ${fieldErrorDetail(error)}`)
const STRING: StructuralSchema = { type: 'string' }
const at = (x: StructuralSchema): StructuralSchema => ({ type: 'object', properties: { x } })
const X = 's.properties[x]'
const map = (more: StructuralSchema = {}): StructuralSchema => ({
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: { type: 'object', required: ['name'], properties: { name: STRING } },
  ...more,
})

describe('the root', () => {
  test.each<[string, unknown, readonly string[]]>([
    ['nothing', undefined, ['s: Required value: schemas are required']],
    ['no type', { properties: {} }, ['s.type: Required value: must not be empty at the root']],
    ['no object', { type: 'string' }, ['s.type: Invalid value: "string": must be object at the root']],
    ['nullable', { type: 'object', nullable: true }, ['s.nullable: Forbidden: nullable cannot be true at the root']],
    [
      'a map',
      { type: 'object', additionalProperties: STRING },
      ['s.additionalProperties: Forbidden: must not be used at the root'],
    ],
    ['preserving', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, []],
    [
      'names restricted',
      { type: 'object', properties: { metadata: { type: 'object', properties: { name: { ...STRING, maxLength: 9 } } } } },
      [],
    ],
    [
      'metadata restricted',
      { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
      [
        's.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
      ],
    ],
    [
      'kind of another type',
      { type: 'object', properties: { kind: { type: 'integer' } } },
      ['s.properties[kind].type: Invalid value: "integer": must be string'],
    ],
    [
      'default of kind',
      { type: 'object', properties: { kind: { ...STRING, default: 'x' } } },
      ['s.properties[kind].default: Forbidden: must not be set in top-level kind'],
    ],
  ])('%s', (_, schema, expected) => {
    expect(words(schema)).toEqual(expected)
  })
})

describe('inside', () => {
  test.each<[string, StructuralSchema, readonly string[]]>([
    ['no type', {}, [`${X}.type: Required value: must not be empty for specified object fields`]],
    [
      'a strange type',
      { type: 'text' },
      [`${X}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`],
    ],
    [
      'items without type',
      { type: 'array', items: {} },
      [`${X}.items.type: Required value: must not be empty for specified array items`],
    ],
    ['no items', { type: 'array' }, [`${X}.items: Required value: must be specified`]],
    ['untyped, preserving', { 'x-kubernetes-preserve-unknown-fields': true }, []],
    [
      'preserving, false',
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': false },
      [`${X}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`],
    ],
    ['int or string', { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, []],
    [
      'int or string in allOf',
      { 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: 'x' }] },
      [],
    ],
    [
      'type in anyOf',
      { ...STRING, anyOf: [{ type: 'string' }] },
      [`${X}.anyOf[0].type: Forbidden: must be empty to be structural`],
    ],
    ['default in not', { ...STRING, not: { default: 'x' } }, [`${X}.not.default: Forbidden: must be undefined to be structural`]],
    [
      'rules in allOf',
      { ...STRING, allOf: [{ 'x-kubernetes-validations': [{ rule: 'true' }] }] },
      [`${X}.allOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural`],
    ],
    [
      'properties and more',
      { type: 'object', properties: { a: STRING }, additionalProperties: STRING },
      [`${X}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      'uniqueItems',
      { type: 'array', items: STRING, uniqueItems: true },
      [`${X}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
    ],
    ['$ref', { ...STRING, $ref: '#/x' }, [`${X}.$ref: Forbidden: $ref is not supported`]],
    [
      'patternProperties',
      { type: 'object', patternProperties: { a: STRING } },
      [`${X}.patternProperties: Forbidden: patternProperties is not supported`],
    ],
    [
      'pattern',
      { ...STRING, pattern: '(' },
      [
        `${X}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
      ],
    ],
    [
      'embedded, no properties',
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      [
        `${X}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
      ],
    ],
    [
      'list type of no list',
      { ...STRING, 'x-kubernetes-list-type': 'set' },
      [`${X}.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified`],
    ],
    [
      'list type',
      { type: 'array', items: STRING, 'x-kubernetes-list-type': 'bag' },
      [`${X}.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"`],
    ],
    [
      'map type',
      { type: 'object', 'x-kubernetes-map-type': 'x' },
      [`${X}.x-kubernetes-map-type: Unsupported value: "x": supported values: "atomic", "granular"`],
    ],
    ['a map list', map(), []],
    [
      'no keys',
      map({ 'x-kubernetes-list-map-keys': [] }),
      [`${X}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
    ],
    [
      'unknown key',
      map({ 'x-kubernetes-list-map-keys': ['a'] }),
      [`${X}.x-kubernetes-list-map-keys: Invalid value: ["a"]: entries must all be names of item properties`],
    ],
    [
      'optional key',
      map({ items: { type: 'object', properties: { name: STRING } } }),
      [
        `${X}.items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    ['defaulted key', map({ items: { type: 'object', properties: { name: { ...STRING, default: 'a' } } } }), []],
    [
      'keys of no map',
      { type: 'array', items: STRING, 'x-kubernetes-list-map-keys': ['a'] },
      [`${X}.x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty`],
    ],
    [
      'a set of objects',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } },
      [`${X}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`],
    ],
    ['a default that fits', { type: 'object', default: { a: 'b' }, properties: { a: STRING } }, []],
    [
      'a default of another type',
      { type: 'integer', default: 'b' },
      [`${X}.default: Invalid value: "string":  in body must be of type integer: "string"`],
    ],
    [
      'a default with unknown fields',
      { type: 'object', default: { b: 1 } },
      [`${X}.default: Invalid value: {"b":1}: must not have unknown fields`],
    ],
    [
      'a default that is too much',
      { type: 'object', default: { a: 9 }, properties: { a: { type: 'integer', maximum: 1 } } },
      [`${X}.default.a: Invalid value: 9: a in body should be less than or equal to 1`],
    ],
  ])('%s', (_, schema, expected) => {
    expect(words(at(schema))).toEqual(expected)
  })

  test('what is asked in anyOf must be there outside too', () => {
    expect(words({ type: 'object', properties: { a: STRING }, anyOf: [{ properties: { b: { minLength: 1 } } }] })).toEqual([
      's.properties[b]: Required value: because it is defined in s.anyOf[0].properties[b]',
    ])
  })
})

describe('what is no schema', () => {
  test.each<[string, unknown, readonly string[]]>([
    ['a type of another type', { type: 5 }, ['s.type: Invalid value: 5: must be of type string: "integer"']],
    [
      'deep inside',
      { type: 'object', properties: { x: { type: 'array', items: { required: 'a' } } } },
      ['s.properties[x].items.required: Invalid value: "a": must be of type array: "string"'],
    ],
    [
      'a list of items',
      { type: 'object', properties: { x: { type: 'array', items: [STRING] } } },
      ['s.properties[x].items: Forbidden: items must be a schema object and not an array'],
    ],
    ['nulls are nothing', { type: 'object', nullable: null, properties: { x: { ...STRING, pattern: null } } }, []],
  ])('%s', (_, schema, expected) => {
    expect(words(schema)).toEqual(expected)
  })

  test('no JSON whatever is too much', () => {
    const name = fc.constantFrom(
      'type',
      'properties',
      'items',
      'additionalProperties',
      'anyOf',
      'not',
      'default',
      'enum',
      'pattern',
      'required',
      'x-kubernetes-validations',
      'x-kubernetes-list-type',
      'x-kubernetes-list-map-keys',
      'rule',
      'metadata',
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom<unknown>('object', 'array', 'string', 'map', 'self.a', '(', null, 1, true, ''),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(name, tie('value'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(value, (schema) => {
        const errors = schemaErrors(schema, 's')
        expect(errors.every(({ field }) => field.startsWith('s'))).toBe(true)
        if (errors.length > 0) return
        expect(() => compileSchema(schema as StructuralSchema).validate({ a: [] })).not.toThrow()
      }),
      { numRuns: 300 },
    )
  })
})
