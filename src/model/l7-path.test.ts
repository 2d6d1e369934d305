import { expect, it } from 'vitest'
import { canonicalPath } from './l7-path.ts'

it.each([
  ['/a/b', '/a/b'],
  ['', ''],
  ['/a%62c', '/abc'],
  ['//a///b/', '/a/b/'],
  ['/a%2Fb', '/a/b'],
  ['/a%2F%2fb', '/a/b'],
  ['/100%25', '/100%'],
  ['/caf%C3%A9', '/café'],
  ['/café', '/café'],
  ['/a%20b%0a', '/a%20b%0A'],
  ['/%ff', '/%ff'],
  ['/50%', '/50%'],
])('%s is %s', (path, canonical) => {
  expect(canonicalPath(path)).toBe(canonical)
})
