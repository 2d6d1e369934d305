/** What only shows over time: TCP segments that the kernel dropped for their MD5 signature, and sessions that come and go. */
import type { SessionState } from '../../model/bgp.ts'

/** Counters of the kernel, for all connections of a network namespace together. */
export interface SignatureFailures {
  /** Signed with another password. */
  readonly wrong: number
  /** Not signed, and expected to be. */
  readonly missing: number
  /** Signed, and there is no password. */
  readonly unexpected: number
}

/** What was seen in the last minute, and so may be why a session is not up. */
export type SignatureDoubts = Readonly<Record<keyof SignatureFailures, boolean>>

export const NO_DOUBTS: SignatureDoubts = { wrong: false, missing: false, unexpected: false }
/** Connections are tried again at growing distances, so that a counter stands still for a while though nothing is better. */
const REMEMBERED_IN_MS = 60_000
const MANY_FLAPS = 3
/** BIRD works its times out anew from a monotonic clock at each question: the same moment differs by a few milliseconds. */
const SAME_TIME_IN_MS = 500

/** A session that came up again and again. `lastError` is what was last heard between; '' for nothing. */
export interface Flaps {
  readonly count: number
  readonly lastError: string
}

/** Remembers a minute. */
export class Symptoms {
  private last: SignatureFailures | undefined
  private readonly grownAtInMs = new Map<keyof SignatureFailures, number>()
  private readonly ups = new Map<string, { times: readonly number[]; lastError: string }>()

  /** The first counters are those to compare with: what was before says nothing of today's sessions. */
  signatures(now: SignatureFailures | undefined, nowInMs: number): SignatureDoubts {
    if (now !== undefined) {
      const before = this.last ?? now
      for (const kind of KINDS) if (now[kind] > before[kind]) this.grownAtInMs.set(kind, nowInMs)
      this.last = now
    }
    const recent = (kind: keyof SignatureFailures) =>
      nowInMs - (this.grownAtInMs.get(kind) ?? -REMEMBERED_IN_MS) < REMEMBERED_IN_MS
    return { wrong: recent('wrong'), missing: recent('missing'), unexpected: recent('unexpected') }
  }

  /** The sessions that came up three times and more within a minute, by their key. */
  flaps(states: readonly SessionState[], nowInMs: number): ReadonlyMap<string, Flaps> {
    const known = new Set(states.map(({ key }) => key))
    for (const key of this.ups.keys()) if (!known.has(key)) this.ups.delete(key)
    const flapping = new Map<string, Flaps>()
    for (const state of states) {
      const before = this.ups.get(state.key)
      const last = before?.times.at(-1) ?? Number.NEGATIVE_INFINITY
      const isNew = state.phase === 'established' && state.sinceInMs - last > SAME_TIME_IN_MS
      const times = [...(before?.times ?? []), ...(isNew ? [state.sinceInMs] : [])].filter(
        (time) => nowInMs - time < REMEMBERED_IN_MS,
      )
      const lastError = state.lastError || (before?.lastError ?? '')
      this.ups.set(state.key, { times, lastError })
      if (times.length >= MANY_FLAPS) flapping.set(state.key, { count: times.length, lastError })
    }
    return flapping
  }
}

const KINDS = ['wrong', 'missing', 'unexpected'] as const
