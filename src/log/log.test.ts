import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { describeError, levelOf } from './log.ts'

/** As `FairwayError` of src/model, which this layer does not know. */
class CodedError extends Error {
  readonly code = { code: 'FW0001' }
  readonly field = '--x'
  readonly fix = 'Do.'
}

test('levels', () => {
  expect(['debug', 'WARN', undefined, '', 'loud'].map(levelOf)).toEqual(['debug', 'warn', 'info', 'info', 'info'])
})

test('a coded error shows its code, field, fix and cause, and no stack', () => {
  const error = new CodedError('No.', { cause: new TypeError('why') })
  const cause = { type: 'TypeError', message: 'why' }
  expect(describeError(error)).toEqual({ code: 'FW0001', message: 'No.', field: '--x', fix: 'Do.', cause })
  expect(describeError(new TypeError('x'))).toMatchObject({ type: 'TypeError', message: 'x', stack: expect.any(String) })
})

test('lines go to standard error, as JSON, also when the process ends right after', () => {
  const script = `import { logger } from './src/log/log.ts'; logger('a').warn({ n: 1, err: new Error('e') }, 'm'); process.exit(3)`
  const env = { ...process.env, FAIRWAY_LOG: 'info' }
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' })
  expect(result).toMatchObject({ status: 3, stdout: '' })
  expect(JSON.parse(result.stderr)).toMatchObject({
    level: 'warn',
    area: 'a',
    n: 1,
    msg: 'm',
    err: { message: 'e' },
    time: expect.stringMatching(/Z$/),
  })
})
