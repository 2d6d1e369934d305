import { describe, expect, test } from 'vitest'
import { fieldErrorDetail } from '../../field-error.ts'
import { compileSchema, type StructuralSchema, schemaErrors, type ValidationRule } from '../structural.ts'

const STRING: StructuralSchema = { type: 'string' }
const INTEGER: StructuralSchema = { type: 'integer' }
const object = (properties: Readonly<Record<string, StructuralSchema>>, more: StructuralSchema = {}): StructuralSchema => ({
  type: 'object',
  properties,
  ...more,
})
const list = (items: StructuralSchema, more: StructuralSchema = {}): StructuralSchema => ({ type: 'array', items, ...more })
const rules = (...all: readonly (string | ValidationRule)[]): StructuralSchema => ({
  'x-kubernetes-validations': all.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
})
const inSpec = (schema: StructuralSchema): StructuralSchema => object({ spec: schema })

const print = (errors: ReturnType<typeof schemaErrors>): readonly string[] =>
  errors.map((error) => `${error.field}: ${fieldErrorDetail(error)}`)
const ask = (schema: StructuralSchema, spec: unknown, old?: unknown): readonly string[] => {
  expect(print(schemaErrors(inSpec(schema), 's'))).toEqual([])
  return print(compileSchema(inSpec(schema)).validate({ spec }, old === undefined ? undefined : { spec: old }))
}
const refuse = (schema: StructuralSchema): readonly string[] => print(schemaErrors(inSpec(schema), 's'))

const PARENT = object({ group: STRING, kind: STRING, namespace: STRING, name: STRING, sectionName: STRING })
const LISTENER = object({ name: STRING, port: INTEGER, protocol: STRING, hostname: STRING, tls: object({ mode: STRING }) })
const FILTER = object({ type: STRING, requestMirror: object({ percent: INTEGER }), urlRewrite: object({ hostname: STRING }) })
const MATCH = object({ type: STRING, value: STRING })

describe('rules as the Gateway API and load balancers write them', () => {
  test.each<[string, StructuralSchema, unknown, unknown]>([
    [
      'names are unique',
      list(LISTENER, rules('self.all(l1, self.exists_one(l2, l1.name == l2.name))')),
      [{ name: 'a' }, { name: 'b' }],
      [{ name: 'a' }, { name: 'a' }],
    ],
    [
      'port, protocol and host name are unique',
      list(
        LISTENER,
        rules(
          'self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))',
        ),
      ),
      [
        { port: 80, protocol: 'HTTP', hostname: 'a' },
        { port: 80, protocol: 'HTTP' },
      ],
      [
        { port: 80, protocol: 'HTTP' },
        { port: 80, protocol: 'HTTP' },
      ],
    ],
    [
      'no TLS with a protocol that has none',
      list(LISTENER, rules("self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)")),
      [{ protocol: 'HTTPS', tls: {} }, { protocol: 'HTTP' }],
      [{ protocol: 'HTTP', tls: {} }],
    ],
    [
      'parents are unique; reserved names are escaped',
      list(
        PARENT,
        rules(
          "self.all(p1, self.exists_one(p2, p1.group == p2.group && p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__))))",
        ),
      ),
      [
        { group: 'g', name: 'a' },
        { group: 'g', name: 'a', namespace: 'n' },
      ],
      [
        { group: 'g', name: 'a' },
        { group: 'g', name: 'a', namespace: '' },
      ],
    ],
    [
      'sections are told apart when a parent comes twice',
      list(
        PARENT,
        rules(
          "self.all(p1, self.all(p2, p1.kind == p2.kind && p1.name == p2.name && ((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '')): true))",
        ),
      ),
      [
        { kind: 'k', name: 'a', sectionName: 's' },
        { kind: 'k', name: 'a', sectionName: 't' },
      ],
      [
        { kind: 'k', name: 'a', sectionName: 's' },
        { kind: 'k', name: 'a' },
      ],
    ],
    [
      'a total over as many rules as there may be',
      list(
        object({ matches: list(INTEGER, { default: [1] }) }),
        rules(
          `${Array.from({ length: 16 }, (_, at) => `(self.size() > ${at} ? self[${at}].matches.size() : 0)`).join(' + ')} <= 3`,
        ),
      ),
      [{ matches: [1, 2] }, { matches: [1] }],
      [{ matches: [1, 2] }, { matches: [1, 2] }],
    ],
    [
      'a mode that fits the protocol',
      list(
        LISTENER,
        rules("self.all(l, (l.protocol == 'HTTPS' && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)"),
      ),
      [{ protocol: 'HTTPS', tls: { mode: 'Terminate' } }, { protocol: 'HTTP' }],
      [{ protocol: 'HTTPS', tls: { mode: 'Passthrough' } }],
    ],
    [
      'one of two filters',
      list(FILTER, rules("!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))")),
      [{ type: 'URLRewrite' }],
      [{ type: 'URLRewrite' }, { type: 'RequestRedirect' }],
    ],
    [
      'one filter of a kind',
      list(FILTER, rules("self.filter(f, f.type == 'URLRewrite').size() <= 1")),
      [{ type: 'URLRewrite' }],
      [{ type: 'URLRewrite' }, { type: 'URLRewrite' }],
    ],
    [
      'a filter has what its type says',
      object({
        filters: list(object({ ...FILTER.properties }, rules("!(!has(self.requestMirror) && self.type == 'RequestMirror')"))),
      }),
      { filters: [{ type: 'RequestMirror', requestMirror: {} }] },
      { filters: [{ type: 'RequestMirror' }] },
    ],
    [
      'a path in raw triple quotes',
      object(
        MATCH.properties ?? {},
        rules(
          'self.type in [\'Exact\',\'PathPrefix\'] ? self.value.matches(r"""^(?:[-A-Za-z0-9/._~!$&\'()*+,;=:@]|[%][0-9a-fA-F]{2})+$""") : true',
        ),
      ),
      { type: 'Exact', value: '/a/%20b' },
      { type: 'Exact', value: '/a/ b' },
    ],
    [
      'time-outs that fit each other',
      object(
        { request: STRING, backendRequest: STRING },
        rules(
          "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
        ),
      ),
      { request: '2s', backendRequest: '500ms' },
      { request: '1s', backendRequest: '2s' },
    ],
    ['all or some', list(STRING, rules("!('*' in self && self.size() > 1)")), ['a', 'b'], ['*', 'b']],
    ['whole seconds', { type: 'string', ...rules('duration(self).getMilliseconds() % 1000 == 0') }, '10s', '1500ms'],
    [
      'bounds of a duration',
      { type: 'string', ...rules('duration(self).getSeconds() >= 1 && duration(self).getSeconds() <= 65535') },
      '3m',
      '0s',
    ],
    ['either, not both', object({ a: STRING, b: STRING }, rules('has(self.a) != has(self.b)')), { a: '' }, { a: '', b: '' }],
    [
      'maps',
      object(
        { m: { type: 'object', additionalProperties: INTEGER } },
        rules("self.m.all(k, k.startsWith('a') && self.m[k] > 0)"),
      ),
      { m: { a1: 1 } },
      { m: { a1: 0 } },
    ],
    [
      'an address',
      { type: 'string', ...rules('isIP(self) && ip(self).family() == 4 && !ip(self).isLoopback()') },
      '192.0.2.1',
      '127.0.0.1',
    ],
    [
      'a range',
      { type: 'string', ...rules("isCIDR(self) && cidr('10.0.0.0/8').containsCIDR(self)") },
      '10.1.0.0/16',
      '11.0.0.0/16',
    ],
    [
      'a URL',
      { type: 'string', ...rules("isURL(self) && url(self).getScheme() == 'https' && url(self).getHostname() == 'a.b'") },
      'https://a.b:8443/x',
      'http://a.b/',
    ],
    [
      'a quantity',
      { type: 'string', ...rules("isQuantity(self) && quantity(self).isLessThan(quantity('1Gi'))") },
      '512Mi',
      '2Gi',
    ],
    [
      'lists',
      list(INTEGER, rules('self.isSorted() && self.sum() < 10 && self.max() < 9 && self.indexOf(1) == 0')),
      [1, 2, 3],
      [3, 2],
    ],
    ['sets', list(STRING, rules("sets.contains(['a', 'b'], self)")), ['b'], ['c']],
    [
      'text',
      { type: 'string', ...rules("self.replace('-', '').lowerAscii() == 'ab' && '%s=%d'.format([self, 1]).endsWith('=1')") },
      'A-B',
      'A-C',
    ],
    [
      'found in text',
      { type: 'string', ...rules("self.find('[0-9]+') == '12' && self.findAll('[a-z]').size() == 2") },
      'a12b',
      'a1b',
    ],
    ['optional fields', object({ a: INTEGER }, rules('self.?a.orValue(5) == 5')), {}, { a: 4 }],
    [
      'int or string',
      object({ p: { 'x-kubernetes-int-or-string': true } }, rules('type(self.p) == int ? self.p > 0 : self.p != ""')),
      { p: 1 },
      { p: 0 },
    ],
    ['numbers across types', object({ w: { type: 'number' } }, rules('self.w > 1')), { w: 1.5 }, { w: 0.5 }],
    ['two variables', list(INTEGER, rules('self.all(i, v, v >= i) && self.exists(i, v, i == 1 && v > 1)')), [0, 2], [1, 0]],
    [
      'two variables of a map',
      object({ m: { type: 'object', additionalProperties: INTEGER } }, rules("self.m.all(k, v, k.startsWith('a') && v > 0)")),
      { m: { a1: 1 } },
      { m: { a1: 0 } },
    ],
    ['one of two variables', list(INTEGER, rules('self.existsOne(i, v, v == i)')), [0, 0], [0, 1]],
    [
      'made lists and maps',
      list(INTEGER, rules('self.transformList(i, v, i > 0, v + i).sum() == 3 && self.transformMap(i, v, v)[1] == 2')),
      [9, 2],
      [9, 3],
    ],
    ['in an optional', object({ a: INTEGER }, rules('self.?a.optMap(x, x + 1).orValue(0) < 3')), { a: 1 }, { a: 5 }],
    [
      'a version',
      {
        type: 'string',
        ...rules("isSemver(self) && semver(self).isLessThan(semver('1.10.0')) && semver('v1', true).major() == 1"),
      },
      '1.9.0-rc.1',
      '1.10.0',
    ],
    ['a named format', { type: 'string', ...rules('!format.dns1123Label().validate(self).hasValue()') }, 'a-b', 'A'],
    [
      'a date',
      object({ a: { type: 'string', format: 'date-time' } }, rules("self.a < timestamp('2024-01-01T00:00:00Z')")),
      { a: '2023-05-01T00:00:00Z' },
      { a: '2025-05-01T00:00:00Z' },
    ],
    [
      'a duration',
      object({ a: { type: 'string', format: 'duration' } }, rules("self.a < duration('1m')")),
      { a: '1s' },
      { a: '1h' },
    ],
    ['bytes', object({ a: { type: 'string', format: 'byte' } }, rules("self.a == b'ab'")), { a: 'YWI=' }, { a: 'YQ==' }],
    [
      'escaped names',
      object({ 'a-b.c/d': INTEGER, a__b: INTEGER }, rules('self.a__dash__b__dot__c__slash__d > 0 && self.a__underscores__b > 0')),
      { 'a-b.c/d': 1, a__b: 1 },
      { 'a-b.c/d': 1, a__b: 0 },
    ],
    [
      'null where it is allowed',
      object({ a: { type: 'integer', nullable: true } }, rules('self.a == null')),
      { a: null },
      { a: 1 },
    ],
    ['bound names', object({ a: INTEGER }, rules('cel.bind(x, self.a + 1, x * x < 10)')), { a: 1 }, { a: 5 }],
  ])('%s', (_, schema, good, bad) => {
    expect(ask(schema, good)).toEqual([])
    expect(ask(schema, bad)).toHaveLength(1)
  })
})

describe('words', () => {
  const broken = (rule: ValidationRule): readonly string[] =>
    ask(object({ a: INTEGER, b: STRING }, rules(rule)), { a: 1, b: 'x' })

  test.each<[string, ValidationRule, string]>([
    ['message', { rule: 'self.a > 1', message: ' a must be more ' }, 'spec: Invalid value: "object": a must be more'],
    ['no message', { rule: ' self.a > 1 ' }, 'spec: Invalid value: "object": failed rule: self.a > 1'],
    [
      'made message',
      { rule: 'self.a > 1', message: 'm', messageExpression: "'a is ' + string(self.a)" },
      'spec: Invalid value: "object": a is 1',
    ],
    [
      'made message that fails',
      { rule: 'self.a > 1', message: 'm', messageExpression: 'string(1 / (self.a - 1))' },
      'spec: Invalid value: "object": m',
    ],
    ['reason', { rule: 'self.a > 1', message: 'm', reason: 'FieldValueForbidden' }, 'spec: Forbidden: m'],
    ['required', { rule: 'self.a > 1', message: 'm', reason: 'FieldValueRequired' }, 'spec: Required value: m'],
    ['duplicate', { rule: 'self.a > 1', message: 'm', reason: 'FieldValueDuplicate' }, 'spec: Duplicate value: "object"'],
    ['field path', { rule: 'self.a > 1', message: 'm', fieldPath: '.a' }, 'spec.a: Invalid value: "object": m'],
    [
      'no answer',
      { rule: '1 / (self.a - 1) > 0', message: 'm' },
      'spec: Invalid value: "object": division by zero evaluating rule: m',
    ],
    [
      'bad pattern',
      { rule: "self.b.matches(self.b + '(')" },
      'spec: Invalid value: "object": error parsing regexp: missing closing ): `x(` evaluating rule: self.b.matches(self.b + \'(\')',
    ],
  ])('%s', (_, rule, expected) => {
    expect(broken(rule)).toEqual([expected])
  })

  test('rules are not asked while values do not fit', () => {
    expect(ask(object({ a: INTEGER }, { required: ['a'], ...rules('self.a > 1') }), {})).toEqual([
      'spec.a: Required value',
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ])
  })
})

describe('refused', () => {
  const of = (rule: string, schema: StructuralSchema = {}): readonly string[] =>
    refuse(object({ a: INTEGER, b: STRING }, { ...schema, ...rules(rule) }))

  test.each<[string, string]>([
    ['self.a.nofn()', "undeclared reference to 'nofn' (in container '')"],
    ['nofn(self.a)', "undeclared reference to 'nofn' (in container '')"],
    ['self.c == 1', "undefined field 'c'"],
    ['has(self.c)', "undefined field 'c'"],
    ['has(self.b) && x == 1', "undeclared reference to 'x' (in container '')"],
    ["self.a == 'x'", "found no matching overload for '_==_' applied to '(int, string)'"],
    ['self.b.matches(1)', "found no matching overload for 'matches' applied to 'string.(int)'"],
    ["self.b.matches('(')", 'ERROR: <input>:1:16: invalid matches argument'],
    ["duration('1x') > duration('1s')", 'invalid duration argument'],
    ["timestamp('2024') > timestamp('2024-01-01T00:00:00Z')", 'invalid timestamp argument'],
    ['self.a', 'must evaluate to a bool'],
    ['self.a >', 'Syntax error'],
    ['self.b.semver()', "found no matching overload for 'semver' applied to 'string.()'"],
    ["authorizer.path('/x').check('get').allowed()", "undeclared reference to 'authorizer' (in container '')"],
  ])('%s', (rule, expected) => {
    const [error, ...more] = of(rule)
    expect(more).toEqual([])
    expect(error).toMatch(/^s\.properties\[spec]\.x-kubernetes-validations\[0]\.rule: Invalid value: /)
    expect(error).toContain(expected)
  })

  test('where a rule is wrong is pointed at', () => {
    const [error = ''] = of('self.a > 0 &&\n  self.c == 1', {})
    expect(error).toContain('message must be specified if rule contains line breaks')
    const [placed = ''] = refuse(object({ a: INTEGER }, rules({ rule: 'self.a > 0 &&\n  self.c == 1', message: 'm' })))
    expect(placed).toContain("compilation failed: ERROR: <input>:2:7: undefined field 'c'\n |   self.c == 1\n | ......^")
  })

  test('oldSelf where nothing tells what a member was', () => {
    const member = object({ a: INTEGER }, rules('self.a >= oldSelf.a'))
    expect(refuse(object({ l: list(member) }))).toEqual([
      's.properties[spec].properties[l].items.x-kubernetes-validations[0].rule: Invalid value: "self.a >= oldSelf.a": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[spec].properties[l]',
    ])
  })

  test.each<[string, ValidationRule, string]>([
    ['empty', { rule: ' ' }, '.rule: Required value: rule is not specified'],
    [
      'message of lines',
      { rule: 'true', message: 'a\nb' },
      '.message: Invalid value: "a\\nb": message must not contain line breaks',
    ],
    ['reason', { rule: 'true', reason: 'x' }, '.reason: Unsupported value: "x": supported values: '],
    ['field path', { rule: 'true', fieldPath: '.c' }, '.fieldPath: Invalid value: ".c": fieldPath must be a valid path'],
    ['optional without use', { rule: 'true', optionalOldSelf: true }, '.optionalOldSelf: Invalid value: true: may not be set'],
    ['message expression', { rule: 'true', messageExpression: '1' }, '.messageExpression: Invalid value: '],
  ])('%s', (_, rule, expected) => {
    expect(refuse(object({ a: INTEGER }, rules(rule))).join()).toContain(expected)
  })
})

describe('old and new', () => {
  test('a transition rule applies to updates only', () => {
    const schema = object({ name: { type: 'string', ...rules({ rule: 'self == oldSelf', message: 'Value is immutable' }) } })
    expect(ask(schema, { name: 'a' })).toEqual([])
    expect(ask(schema, { name: 'a' }, {})).toEqual([])
    expect(ask(schema, { name: 'b' }, { name: 'a' })).toEqual(['spec.name: Invalid value: "string": Value is immutable'])
  })

  test('objects and lists are compared by what is in them', () => {
    const schema = object({ a: list(object({ n: INTEGER })), c: INTEGER }, rules('self.a == oldSelf.a'))
    expect(ask(schema, { a: [{ n: 1 }], c: 2 }, { a: [{ n: 1 }], c: 1 })).toEqual([])
    expect(ask(schema, { a: [{ n: 2 }] }, { a: [{ n: 1 }] })).toHaveLength(1)
  })

  test('sets and lists of type map are equal in any order', () => {
    const named = object({ name: STRING }, { required: ['name'] })
    const schema = object(
      {
        set: list(STRING, { 'x-kubernetes-list-type': 'set' }),
        map: list(named, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
      },
      rules('self.set == oldSelf.set && self.map == oldSelf.map'),
    )
    const map = (...names: readonly string[]) => names.map((name) => ({ name }))
    expect(ask(schema, { set: ['a', 'b'], map: map('a', 'b') }, { set: ['b', 'a'], map: map('b', 'a') })).toEqual([])
    expect(ask(schema, { set: ['a', 'c'], map: map('a', 'b') }, { set: ['b', 'a'], map: map('b', 'a') })).toHaveLength(1)
  })

  test('members of a list of type map are known by their keys', () => {
    const member = object({ name: STRING, n: INTEGER }, { required: ['name'], ...rules('self.n >= oldSelf.n') })
    const schema = object({ l: list(member, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }) })
    const l = (...members: readonly [string, number][]) => ({ l: members.map(([name, n]) => ({ name, n })) })
    expect(ask(schema, l(['b', 1], ['a', 2]), l(['a', 2], ['b', 1]))).toEqual([])
    expect(ask(schema, l(['b', 0], ['c', 0]), l(['a', 2], ['b', 1]))).toEqual([
      'spec.l[0]: Invalid value: "object": failed rule: self.n >= oldSelf.n',
    ])
  })

  test('optionalOldSelf applies to new objects too', () => {
    const schema = object({
      a: { type: 'integer', ...rules({ rule: 'oldSelf.hasValue() || self == 0', optionalOldSelf: true }) },
    })
    expect(ask(schema, { a: 1 })).toHaveLength(1)
    expect(ask(schema, { a: 2 }, { a: 1 })).toEqual([])
  })

  test('what did not change is not held against the object', () => {
    const schema = object({ a: { type: 'integer', ...rules('self > 1') }, b: INTEGER })
    expect(ask(schema, { a: 0, b: 2 }, { a: 0, b: 1 })).toEqual([])
    expect(ask(schema, { a: 1, b: 2 }, { a: 0, b: 1 })).toHaveLength(1)
  })
})

test('the whole object: its names are known, other metadata is not', () => {
  const schema: StructuralSchema = {
    ...object({ spec: object({ a: STRING }) }),
    ...rules("self.metadata.name.size() < 3 || self.spec.a == 'long'"),
  }
  expect(print(schemaErrors(schema, 's'))).toEqual([])
  const compiled = compileSchema(schema)
  expect(compiled.validate({ metadata: { name: 'a' }, spec: { a: '' } })).toEqual([])
  expect(print(compiled.validate({ metadata: { name: 'abc' }, spec: { a: '' } }))).toEqual([
    '<nil>: Invalid value: "object": failed rule: self.metadata.name.size() < 3 || self.spec.a == \'long\'',
  ])
  expect(print(schemaErrors({ ...schema, ...rules('has(self.metadata.labels)') }, 's')).join()).toContain(
    "undefined field 'labels'",
  )
})
