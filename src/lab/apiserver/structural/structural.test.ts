import { describe, expect, test } from 'vitest'
import { fieldErrorDetail } from '../field-error.ts'
import { compileSchema, type StructuralSchema, schemaErrors } from './structural.ts'

const words = (schema: StructuralSchema, object: unknown, old?: unknown): readonly string[] =>
  compileSchema(schema)
    .validate(object, old)
    .map((error) => `${error.field}: ${fieldErrorDetail(error)}`)

const spec = (properties: Readonly<Record<string, StructuralSchema>>, more: StructuralSchema = {}): StructuralSchema => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, ...more } },
})

const NONE = 'Invalid value: ""'

describe('every keyword in the words of a real server', () => {
  test.each<[string, StructuralSchema, unknown, readonly string[]]>([
    ['type', { type: 'integer' }, 'a', ['spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"']],
    ['type of null', { type: 'string' }, null, ['spec.x: Invalid value: "null": spec.x in body must be of type string: "null"']],
    ['nullable', { type: 'string', nullable: true }, null, []],
    ['a whole number is a number', { type: 'number' }, 3, []],
    [
      'no integer',
      { type: 'integer' },
      1.5,
      ['spec.x: Invalid value: "number": spec.x in body must be of type integer: "number"'],
    ],
    ['int or string', { 'x-kubernetes-int-or-string': true }, 'a', []],
    [
      'neither int nor string',
      { 'x-kubernetes-int-or-string': true },
      true,
      ['spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean"'],
    ],
    [
      'maximum',
      { type: 'integer', maximum: 10 },
      11,
      ['spec.x: Invalid value: 11: spec.x in body should be less than or equal to 10'],
    ],
    [
      'exclusive maximum',
      { type: 'integer', maximum: 10, exclusiveMaximum: true },
      10,
      ['spec.x: Invalid value: 10: spec.x in body should be less than 10'],
    ],
    [
      'minimum',
      { type: 'integer', minimum: 1 },
      0,
      ['spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1'],
    ],
    [
      'exclusive minimum',
      { type: 'number', minimum: 1, exclusiveMinimum: true },
      1,
      ['spec.x: Invalid value: 1: spec.x in body should be greater than 1'],
    ],
    ['multiple', { type: 'integer', multipleOf: 5 }, 7, ['spec.x: Invalid value: 7: spec.x in body should be a multiple of 5']],
    ['multiple of a fraction', { type: 'number', multipleOf: 0.1 }, 0.3, []],
    [
      'int32',
      { type: 'integer', format: 'int32' },
      2147483648,
      [`<nil>: ${NONE}: Checked value must be of type integer with format int32 in spec.x`],
    ],
    ['maxLength', { type: 'string', maxLength: 2 }, 'abc', ['spec.x: Too long: may not be more than 2 bytes']],
    ['length is of characters', { type: 'string', maxLength: 2 }, '😀é', []],
    [
      'minLength',
      { type: 'string', minLength: 1 },
      '',
      ['spec.x: Invalid value: "": spec.x in body should be at least 1 chars long'],
    ],
    ['pattern', { type: 'string', pattern: '^a+$' }, 'b', ['spec.x: Invalid value: "b": spec.x in body should match \'^a+$\'']],
    ['enum', { type: 'string', enum: ['b', 'c'] }, 'a', ['spec.x: Unsupported value: "a": supported values: "b", "c"']],
    ['enum of numbers', { type: 'integer', enum: [1, 2] }, 3, ['spec.x: Unsupported value: 3: supported values: "1", "2"']],
    [
      'format',
      { type: 'string', format: 'ipv4' },
      '1.2.3',
      ['spec.x: Invalid value: "1.2.3": spec.x in body must be of type ipv4: "1.2.3"'],
    ],
    ['unknown format', { type: 'string', format: 'colour' }, '1.2.3', []],
    [
      'maxItems',
      { type: 'array', maxItems: 1, items: { type: 'string' } },
      ['a', 'b'],
      ['spec.x: Too many: 2: must have at most 1 item'],
    ],
    [
      'minItems',
      { type: 'array', minItems: 1, items: { type: 'string' } },
      [],
      ['spec.x: Invalid value: 0: spec.x in body should have at least 1 items'],
    ],
    [
      'items',
      { type: 'array', items: { type: 'string' } },
      ['a', 1],
      ['spec.x[1]: Invalid value: "integer": spec.x[1] in body must be of type string: "integer"'],
    ],
    [
      'minProperties',
      { type: 'object', minProperties: 1, additionalProperties: { type: 'string' } },
      {},
      ['spec.x: Invalid value: 0: spec.x in body should have at least 1 properties'],
    ],
    [
      'maxProperties',
      { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } },
      { a: '', b: '' },
      ['spec.x: Too many: 2: must have at most 1 item'],
    ],
    [
      'additionalProperties',
      { type: 'object', additionalProperties: { type: 'string' } },
      { a: 1 },
      ['spec.x.a: Invalid value: "integer": spec.x.a in body must be of type string: "integer"'],
    ],
    [
      'no additional properties',
      { type: 'object', properties: {}, additionalProperties: false },
      { a: 1 },
      ['spec.x: Invalid value: "a": spec.x.a in body is a forbidden property'],
    ],
    ['required', { type: 'object', required: ['a'], properties: { a: { type: 'string' } } }, {}, ['spec.x.a: Required value']],
    [
      'set',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      ['a', 'b', 'a', 'a'],
      ['spec.x[2]: Duplicate value: "a"'],
    ],
    ['not', { type: 'string', not: { enum: ['a'] } }, 'a', [`<nil>: ${NONE}: "spec.x" must not validate the schema (not)`]],
    [
      'anyOf',
      { type: 'string', anyOf: [{ pattern: '^a' }, { pattern: '^b' }] },
      'c',
      [
        `<nil>: ${NONE}: "spec.x" must validate at least one schema (anyOf)`,
        'spec.x: Invalid value: "c": spec.x in body should match \'^a\'',
      ],
    ],
    [
      'oneOf, none',
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'string' } },
        oneOf: [{ required: ['a'] }, { required: ['b'] }],
      },
      {},
      [`<nil>: ${NONE}: "spec.x" must validate one and only one schema (oneOf). Found none valid`, 'spec.x.a: Required value'],
    ],
    [
      'oneOf, two',
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'string' } },
        oneOf: [{ required: ['a'] }, { required: ['b'] }],
      },
      { a: '', b: '' },
      [`<nil>: ${NONE}: "spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives`],
    ],
    [
      'allOf',
      { type: 'string', allOf: [{ minLength: 1 }, { maxLength: 3 }] },
      'long',
      ['spec.x: Too long: may not be more than 3 bytes', `<nil>: ${NONE}: "spec.x" must validate all the schemas (allOf)`],
    ],
  ])('%s', (_, schema, value, expected) => {
    expect(words(spec({ x: schema }), { spec: { x: value } })).toEqual(expected)
  })

  test('duplicates in a list of type map, by one key and by two', () => {
    const item: StructuralSchema = { type: 'object', properties: { port: { type: 'integer' }, protocol: { type: 'string' } } }
    const list = (keys: readonly string[]): StructuralSchema =>
      spec({ ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys, items: item } })
    const ports = [
      { port: 1, protocol: 'TCP' },
      { port: 1, protocol: 'UDP' },
      { protocol: 'UDP', port: 1 },
    ]
    expect(words(list(['port']), { spec: { ports } })).toEqual(['spec.ports[1]: Duplicate value: {"port":1}'])
    expect(words(list(['port', 'protocol']), { spec: { ports } })).toEqual([
      'spec.ports[2]: Duplicate value: {"port":1,"protocol":"UDP"}',
    ])
  })

  test('what an update leaves alone is not held against it', () => {
    const schema = spec({ x: { type: 'integer', maximum: 1 }, y: { type: 'integer', maximum: 1 } })
    expect(words(schema, { spec: { x: 5, y: 1 } }, { spec: { x: 5 } })).toEqual([])
    expect(words(schema, { spec: { x: 5, y: 2 } }, { spec: { x: 5 } })).toHaveLength(1)
  })

  test('a resource inside must be one', () => {
    const schema = spec({
      template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    })
    expect(words(schema, { spec: { template: {} } })).toEqual([
      'spec.template.apiVersion: Required value: must not be empty',
      'spec.template.kind: Required value: must not be empty',
    ])
  })
})

describe('acceptance', () => {
  test('a schema of controller-gen is taken', () => {
    const schema = {
      type: 'object',
      description: 'x',
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { type: 'object' },
        spec: {
          type: 'object',
          required: ['a'],
          properties: { a: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true } },
        },
      },
    }
    expect(schemaErrors(schema, 's')).toEqual([])
  })
})
