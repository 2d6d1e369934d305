import { expect, it } from 'vitest'
import { session } from '../../../test/support/bgp-entries.ts'
import type { SessionState } from '../../model/bgp.ts'
import { sessionFindings } from './findings.ts'
import { unheard } from './status.ts'
import { NO_DOUBTS, Symptoms } from './symptoms.ts'

const failures = { wrong: 7, missing: 3, unexpected: 1 }
const state = (part: Partial<SessionState>): SessionState => ({ ...unheard('session/tor'), ...part })
const names = (found: ReturnType<typeof sessionFindings>) => found.map(({ code }) => code.name)

it('remembers for a minute what the kernel dropped, and blames nobody for what was before', () => {
  const symptoms = new Symptoms()
  expect(symptoms.signatures(failures, 0)).toEqual(NO_DOUBTS)
  expect(symptoms.signatures({ ...failures, wrong: 8 }, 1_000)).toEqual({ ...NO_DOUBTS, wrong: true })
  expect(symptoms.signatures(undefined, 30_000).wrong).toBe(true)
  expect(symptoms.signatures({ ...failures, wrong: 8 }, 61_000)).toEqual(NO_DOUBTS)
})

it.each([
  ['signatures are wrong', 'a', { wrong: true }],
  ['does not sign, and there is a password', 'a', { missing: true }],
  ['signs, and there is no password', '', { unexpected: true }],
])('says whose password it is: %s', (words, password, doubt) => {
  const seen = { doubts: { ...NO_DOUBTS, ...doubt }, flaps: new Map() }
  const of = (text: string) => sessionFindings([session({ password: text })], [state({ phase: 'connect' })], seen)
  expect(names(of(password))).toEqual(['BGP_PASSWORD_SUSPECT'])
  expect(of(password)[0]?.message).toContain(words)
  expect(names(of(password === '' ? 'a' : ''))).toEqual(['BGP_SESSION_DOWN'])
})

it('tells of a session that comes and goes, with what was heard when it went', () => {
  const symptoms = new Symptoms()
  const seen = (part: Partial<SessionState>, nowInMs: number) => {
    const states = [state(part)]
    return names(sessionFindings([session()], states, { doubts: NO_DOUBTS, flaps: symptoms.flaps(states, nowInMs) }))
  }
  const up = (sinceInMs: number) => ({ phase: 'established' as const, sinceInMs })
  expect(seen(up(0), 100)).toEqual([])
  expect(seen(up(3), 4_000)).toEqual([])
  expect(seen(up(-2), 5_000)).toEqual([])
  expect(seen({ phase: 'idle', lastError: 'Received: Malformed attribute list' }, 6_000)).toEqual(['BGP_SESSION_REFUSED'])
  expect(seen(up(10_000), 11_000)).toEqual([])
  expect(seen(up(20_000), 21_000)).toEqual(['BGP_SESSION_FLAPS'])
  expect(seen(up(20_000), 90_000)).toEqual([])
})
