/** Named character classes of POSIX. Source: Go regexp/syntax (posixGroup). */

/** `[:NAME:]` as a part of a JavaScript class. */
export const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}

/** `[:^NAME:]`. */
export const POSIX_NEGATED: Readonly<Record<string, string>> = {
  digit: '\\D',
  word: '\\W',
  alpha: '\\x00-@\\[-`\\{-\\u{10ffff}',
  alnum: '\\x00-\\/:-@\\[-`\\{-\\u{10ffff}',
  ascii: '\\x80-\\u{10ffff}',
  lower: '\\x00-`\\{-\\u{10ffff}',
  upper: '\\x00-@\\[-\\u{10ffff}',
  space: '\\x00-\\x08\\x0e-\\x1f!-\\u{10ffff}',
  blank: '\\x00-\\x08\\n-\\x1f!-\\u{10ffff}',
  graph: '\\x00- \\x7f-\\u{10ffff}',
  print: '\\x00-\\x1f\\x7f-\\u{10ffff}',
  cntrl: ' -~\\x80-\\u{10ffff}',
  punct: '\\x00- 0-9A-Za-z\\x7f-\\u{10ffff}',
  xdigit: '\\x00-\\/:-@G-`g-\\u{10ffff}',
}
