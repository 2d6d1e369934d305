import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import { SERVICE_WITHOUT_ENDPOINTS } from '../model/codes/ports.ts'
import { FindingSet } from './finding-set.ts'

const finding = (name: string, message = 'so'): Finding => ({
  code: SERVICE_WITHOUT_ENDPOINTS,
  subjects: [`service/${name}`],
  message,
  fix: 'do',
})
const log = { warn: vi.fn(), info: vi.fn(), error: vi.fn() }

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.clearAllMocks()
})

test('is told once, after it has stood, and again when it is gone', () => {
  const shown: string[] = []
  const set = new FindingSet({ log: log as unknown as Logger, delayInMs: 2_000, onShown: ({ message }) => shown.push(message) })
  set.replace([finding('a', 'first'), finding('b')])
  vi.advanceTimersByTime(1_000)
  set.replace([finding('a', 'newer words')]) // b passed before anyone was told
  vi.advanceTimersByTime(1_000)
  set.replace([finding('a', 'newer words')])
  vi.advanceTimersByTime(10_000)
  expect(shown).toEqual(['newer words'])
  expect(log.warn).toHaveBeenCalledTimes(1)
  expect(set.all.map(({ subjects }) => subjects)).toEqual([['service/a']])
  set.replace([])
  expect(log.info).toHaveBeenCalledExactlyOnceWith(
    { code: 'FW0202', subjects: ['service/a'] },
    'no longer so: A Service has no ready endpoints',
  )
})
