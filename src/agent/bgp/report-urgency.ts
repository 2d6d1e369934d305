/** How soon a change of a report is written. */
import type { SessionReport } from '../../model/session-report.ts'

const COUNTS_EVERY_IN_MS = 10_000
/** Of a session that is not up, BIRD's tries to connect change the state for ever; many nodes write for one router that is away. */
const TRIES_EVERY_IN_MS = 60_000
/** Somebody may have removed or changed it. What is the same costs the server a look. */
const AT_LEAST_EVERY_IN_MS = 300_000

/** Whether a report that was written `ageInMs` ago is to be written again. */
export function urgencyOf(
  written: SessionReport,
  report: SessionReport,
  ageInMs: number,
  countsEveryInMs = COUNTS_EVERY_IN_MS,
): boolean {
  const [before, after] = [written, report].map(essence)
  if (before !== after || ageInMs >= AT_LEAST_EVERY_IN_MS) return true
  if (JSON.stringify(written) === JSON.stringify(report)) return false
  const up = report.state === 'Established'
  return ageInMs >= (up ? countsEveryInMs : Math.max(countsEveryInMs, TRIES_EVERY_IN_MS))
}

/** What a person waits for; all else may be a little old. */
function essence(report: SessionReport): string {
  const { routesSent: _s, routesAccepted: _a, routesRejected: _r, localAddress: _l, lastError: _e, state, ...rest } = report
  const shown = state === 'Established' || state === 'Closed' ? state : 'down'
  return JSON.stringify({
    ...rest,
    state: shown,
    conditions: rest.conditions.map(({ type, holds, reason }) => [type, holds, reason]),
  })
}
