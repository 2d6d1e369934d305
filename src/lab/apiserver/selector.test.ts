import { describe, expect, test } from 'vitest'
import type { KindRecord, RawObject } from './kind.ts'
import { parseSelector } from './selector.ts'

const record = {
  namespaced: true,
  selectableFields: { 'spec.node': (object: RawObject) => String(object.node ?? '') },
} as unknown as KindRecord
const object: RawObject = {
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'n', namespace: 's', labels: { a: '1', b: '', 'x.y/z': '7' } },
  node: 'w,1',
}

describe('label selectors', () => {
  test.each([
    ['', true],
    ['a=1', true],
    ['a==1,b=', true],
    ['a=2', false],
    ['a!=2,c!=x', true],
    ['a!=1', false],
    ['a', true],
    ['!a', false],
    ['!c,a', true],
    ['a in (0, 1)', true],
    ['a in (2,3)', false],
    ['a notin (2,3),c notin (4)', true],
    ['a notin (1)', false],
    ['x.y/z > 6,x.y/z<8', true],
    ['x.y/z>7', false],
  ])('%s', (text, matches) => {
    expect(parseSelector(record, text, '').matches(object)).toBe(matches)
  })

  test('one that cannot be read is refused', () => {
    expect(() => parseSelector(record, 'a in 1', '')).toThrow('unable to parse requirement')
  })
})

describe('field selectors', () => {
  test.each([
    ['metadata.name=n', true],
    ['metadata.name=m', false],
    ['metadata.name!=m,metadata.namespace==s', true],
    ['spec.node=w\\,1', true],
    ['spec.node!=w\\,1', false],
  ])('%s', (text, matches) => {
    expect(parseSelector(record, '', text).matches(object)).toBe(matches)
  })

  test('the one name that can match is known', () => {
    expect([parseSelector(record, '', 'metadata.name=n').name, parseSelector(record, '', 'metadata.name!=n').name]).toEqual([
      'n',
      undefined,
    ])
  })

  test('a field that cannot be selected is refused in the real words', () => {
    expect(() => parseSelector(record, '', 'spec.foo=1')).toThrow('field label not supported: spec.foo')
  })
})
