import { describe, expect, test } from 'vitest'
import { goPattern } from './pattern.ts'

const matches = (pattern: string, text: string): boolean | string => {
  const compiled = goPattern(pattern)
  return 'error' in compiled ? compiled.error : compiled.regexp.test(text)
}

test.each<[string, readonly string[], readonly string[]]>([
  ['^a$', ['a'], ['a\n', 'ba']],
  ['(?m)^a$', ['b\na\nc'], ['ba']],
  ['(?i)^abc$', ['aBC'], ['abd']],
  ['^a(?i:b)c$', ['aBc'], ['aBC']],
  ['^x(?i)y$', ['xY'], ['Xy']],
  ['^(a(?i)b|c)d$', ['aBd', 'Cd'], ['aBD']],
  ['\\Aa\\z', ['a'], ['a\n']],
  ['^.$', ['a', '\r', '😀'], ['\n', '']],
  ['(?s)^.$', ['\n'], ['']],
  ['^\\s\\S$', [' a', '\ta'], ['\va', '\u00a0a']],
  ['^[\\s\\d]+$', [' 1'], ['\u00a0']],
  ['^[^\\S]$', [' '], ['a']],
  ['^[[:alpha:]][[:^digit:]]$', ['ab'], ['1b', 'a1']],
  ['^\\pL\\p{Greek}\\PL$', ['aα1'], ['aab']],
  ['^(?P<name>a)b$', ['ab'], ['b']],
  ['^\\Qa.b\\E$', ['a.b'], ['axb']],
  ['^\\x41\\x{1F600}$', ['A😀'], ['A']],
  ['^[]a]+$', ['a]'], ['b']],
  ['^[a\\]-]+$', ['a-]'], ['b']],
  ['^[\\w-.]+$', ['a-.'], ['!']],
  ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$', ['a-b.c'], ['-a', 'a_b']],
  ['^a{2}b{1,}c{,2}$', ['aabc{,2}'], ['abc']],
  ['^[^@]\\@\\-\\_\\:$', ['a@-_:'], ['@@-_:']],
  ['^a/b}]$', ['a/b}]'], ['ab']],
  ['\\bfoo\\b', ['a foo b'], ['afoob']],
  ['^a+?$', ['aa'], ['']],
  ['^(\\*\\.)?[a-z]+$', ['*.a', 'a'], ['.a']],
  ['^$|^a$', ['', 'a'], ['b']],
])('%s', (pattern, good, bad) => {
  expect(good.map((text) => matches(pattern, text))).toEqual(good.map(() => true))
  expect(bad.map((text) => matches(pattern, text))).toEqual(bad.map(() => false))
})

describe('what Go does not take is refused in its words', () => {
  test.each([
    ['a(?=b)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
    ['a(?<!b)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?<!`'],
    ['(a)\\1', 'error parsing regexp: invalid escape sequence: `\\1`'],
    ['(a', 'error parsing regexp: missing closing ): `(a`'],
    ['a)', 'error parsing regexp: unexpected ): `a)`'],
    ['[a', 'error parsing regexp: missing closing ]: `[a`'],
    ['*a', 'error parsing regexp: missing argument to repetition operator: `*`'],
    ['a{1001}', 'error parsing regexp: invalid repeat count: `{1001}`'],
    ['\\y', 'error parsing regexp: invalid escape sequence: `\\y`'],
    ['\\p{Nope}', 'error parsing regexp: invalid character class range: `\\p{Nope}`'],
  ])('%s', (pattern, error) => {
    expect(matches(pattern, '')).toBe(error)
  })
})
