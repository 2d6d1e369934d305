import { expect, test } from 'vitest'
import { scheduleProblem } from './cron-schedule.ts'

test.each([
  '* * * * *',
  '*/5 0-23/2 1,15 jan-JUN mon',
  '5/10 ? * 12 6',
  ' 0  0 * * 0 ',
  '@hourly',
  '@every 1h30m',
])('%j is a schedule', (schedule) => {
  expect(scheduleProblem(schedule)).toBe('')
})

test.each([
  ['bad', 'expected exactly 5 fields, found 1: [bad]'],
  ['* * * * * *', 'expected exactly 5 fields, found 6: [* * * * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['* 5-3 * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
  ['* * * * 7', 'end of range (7) above maximum (6): 7'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['*/-5 * * * *', 'negative number (-5) not allowed: -5'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['@never', 'unrecognized descriptor: @never'],
  ['@every day', 'failed to parse duration @every day: time: invalid duration "day"'],
  ['TZ=UTC * * * * *', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
])('%j is none: %s', (schedule, problem) => {
  expect(scheduleProblem(schedule)).toBe(problem)
})
