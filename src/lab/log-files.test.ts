import { expect, test } from 'vitest'
import { lastWords } from './log-files.ts'

const LINE = '{"level":"info","msg":"serving"}'

test('last words are the last messages', () => {
  expect(lastWords([])).toBe('it said nothing.')
  expect(lastWords(['{"msg":"a"}', LINE, '{"msg":"cannot start","err":{"message":"no space"}}', 'Segmentation fault'])).toBe(
    'serving / cannot start: no space / Segmentation fault',
  )
})

test('of a crash they are its cause, and not the end of its trace', () => {
  const trace = [
    'node:internal/modules/esm/resolve:271',
    '    throw new ERR_MODULE_NOT_FOUND(',
    '          ^',
    '',
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/x.ts' imported from /y.ts",
    '    at finalizeResolution (node:internal/modules/esm/resolve:271:11) {',
    "  code: 'ERR_MODULE_NOT_FOUND',",
    '}',
    '',
    'Node.js v24.21.0',
  ]
  expect(lastWords([LINE, ...trace])).toBe("Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/x.ts' imported from /y.ts")
  expect(lastWords([...trace, '{"msg":"started again"}'])).toContain('started again')
})
