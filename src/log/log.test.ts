import { expect, test } from 'vitest'
import { tryRun } from '../linux/run.ts'
import { FairwayError } from '../model/code.ts'
import { USAGE_WRONG } from '../model/codes/usage.ts'
import { describeError, levelOf } from './log.ts'

test('levels', () => {
  expect(['debug', 'WARN', undefined, '', 'loud'].map(levelOf)).toEqual(['debug', 'warn', 'info', 'info', 'info'])
})

test('a coded error shows its code, field, fix and cause, and no stack', () => {
  const error = new FairwayError(USAGE_WRONG, 'No.', { field: '--x', cause: new FairwayError(USAGE_WRONG, 'Why.') })
  expect(describeError(error)).toEqual({
    code: 'FW0001',
    message: 'No.',
    field: '--x',
    fix: USAGE_WRONG.fix,
    cause: { code: 'FW0001', message: 'Why.', field: undefined, fix: USAGE_WRONG.fix },
  })
  expect(describeError(new TypeError('x'))).toMatchObject({ type: 'TypeError', message: 'x', stack: expect.any(String) })
})

test('lines go to standard error, as JSON, also when the process ends right after', async () => {
  const script = `import { logger } from './src/log/log.ts'; logger('a').warn({ n: 1, err: new Error('e') }, 'm'); process.exit(3)`
  const result = await tryRun([process.execPath, '--input-type=module', '-e', script], { env: { FAIRWAY_LOG: 'info' } })
  expect(result).toMatchObject({ exitCode: 3, stdout: '' })
  expect(JSON.parse(result.stderr)).toMatchObject({
    level: 'warn',
    area: 'a',
    n: 1,
    msg: 'm',
    err: { message: 'e' },
    time: expect.stringMatching(/Z$/),
  })
})
