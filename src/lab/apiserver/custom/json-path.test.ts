import { describe, expect, test } from 'vitest'
import { columnsOf } from './columns.ts'
import { parseJsonPath } from './json-path.ts'

const OBJECT = {
  metadata: { labels: { 'a.b/c': 'x' }, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { list: [{ n: 1 }, { n: 2 }, { n: 3 }], text: 'a', flag: false, nothing: null, size: 2.5 },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  },
}

describe('a path leads to', () => {
  test.each([
    ['.spec.text', ['a']],
    ['.spec.missing.deeper', []],
    ['.spec.list[0].n', [1]],
    ['.spec.list[-1].n', [3]],
    ['.spec.list[*].n', [1, 2, 3]],
    ['.spec.list[1:].n', [2, 3]],
    ['.spec.list[0:2].n', [1, 2]],
    ['.spec.list[?(@.n>1)].n', [2, 3]],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type=='Other')].status", ['False']],
    ['.status.conditions[?(@.type!="Ready")].type', ['Other']],
    ['.status.conditions[?(@.reason)].type', []],
    ['.metadata.labels.a\\.b/c', ['x']],
    [".metadata.labels['a.b/c']", ['x']],
    ['..type', ['Ready', 'Other']],
    ['.spec.text.toString', []],
    ['.spec.list[', []],
    ['.', [OBJECT]],
  ])('%s', (path, values) => expect(parseJsonPath(path)(OBJECT)).toEqual(values))
})

describe('a cell', () => {
  const now = Date.parse('2026-01-01T00:05:00Z')
  const cell = (type: string, jsonPath: string) =>
    columnsOf([{ name: 'X', type, jsonPath }])[1]?.value({ apiVersion: 'a/v1', kind: 'A', ...OBJECT }, now)
  test.each([
    ['string', '.spec.text', 'a'],
    ['string', '.spec.size', '2.5'],
    ['string', '.spec.flag', 'false'],
    ['string', '.spec.list', '[{"n":1},{"n":2},{"n":3}]'],
    ['string', '.spec.missing', null],
    ['integer', '.spec.size', 2],
    ['integer', '.spec.text', null],
    ['number', '.spec.size', 2.5],
    ['boolean', '.spec.flag', false],
    ['boolean', '.spec.text', null],
    ['date', '.metadata.creationTimestamp', '5m'],
    ['date', '.spec.text', '<invalid>'],
  ])('%s of %s', (type, path, value) => expect(cell(type, path)).toBe(value))

  test('the age is the only column of a definition that asks for none', () => {
    const columns = columnsOf([])
    expect(columns.map(({ name, type }) => [name, type])).toEqual([
      ['Name', 'string'],
      ['Age', 'date'],
    ])
  })
})
