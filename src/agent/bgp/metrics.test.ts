import { expect, test } from 'vitest'
import { renderMetrics } from '../../http/metrics.ts'
import { BgpMetrics } from './metrics.ts'

const count = (metrics: BgpMetrics) => /duration_seconds_count (\d+)/.exec(renderMetrics(metrics.all))?.[1]
const fresh = () => new BgpMetrics({ reports: () => [], routes: () => 0, pending: () => 0 })

test('a change that came while a round ran is in it when nothing waits any more', () => {
  const metrics = fresh()
  metrics.noteWaiting(1_000)
  metrics.noteWaiting(1_010)
  metrics.noteLoaded({ pending: 0, tookInMs: 25 }, 1_030)
  expect(count(metrics)).toBe('2')
})

test('otherwise it is left to the next round, and what came before it began is not', () => {
  const metrics = fresh()
  metrics.noteWaiting(1_000)
  metrics.noteWaiting(1_010)
  metrics.noteLoaded({ pending: 1, tookInMs: 25 }, 1_030)
  expect(count(metrics)).toBe('1')
  metrics.noteLoaded({ pending: 0, tookInMs: 5 }, 1_040)
  expect(count(metrics)).toBe('2')
})
