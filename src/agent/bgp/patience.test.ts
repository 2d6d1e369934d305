import { expect, test } from 'vitest'
import type { Code, Finding } from '../../model/code.ts'
import { BGP_AS_MISMATCH, BGP_PASSWORD_SUSPECT, BGP_SESSION_DOWN } from '../../model/codes/bgp.ts'
import { Patience } from './patience.ts'

const about = (code: Code, session = 'session/tor'): Finding => ({ code, subjects: [session], message: '', fix: '' })
const codes = (found: readonly Finding[]) => found.map(({ code }) => code.name)

test('a session that is down is told after 10 s, and again 10 s after it was up', () => {
  const patience = new Patience()
  const down = [about(BGP_SESSION_DOWN)]
  expect(codes(patience.sift(down, 1_000))).toEqual([])
  expect(codes(patience.sift(down, 10_999))).toEqual([])
  expect(codes(patience.sift(down, 11_000))).toEqual(['BGP_SESSION_DOWN'])
  expect(codes(patience.sift([], 12_000))).toEqual([])
  expect(codes(patience.sift(down, 13_000))).toEqual([])
  expect(codes(patience.sift(down, 23_000))).toEqual(['BGP_SESSION_DOWN'])
})

test('each session has its own time', () => {
  const patience = new Patience()
  patience.sift([about(BGP_SESSION_DOWN)], 0)
  const both = [about(BGP_SESSION_DOWN), about(BGP_SESSION_DOWN, 'session/other')]
  expect(patience.sift(both, 10_000).map(({ subjects }) => subjects)).toEqual([['session/tor']])
})

test('a cause that is known is told at once', () => {
  expect(codes(new Patience().sift([about(BGP_AS_MISMATCH)], 0))).toEqual(['BGP_AS_MISMATCH'])
})

test('a wrong password stays the cause between two tries to connect, and no longer than the session is down', () => {
  const patience = new Patience()
  expect(codes(patience.sift([about(BGP_PASSWORD_SUSPECT)], 0))).toEqual(['BGP_PASSWORD_SUSPECT'])
  expect(codes(patience.sift([about(BGP_SESSION_DOWN)], 120_000))).toEqual(['BGP_PASSWORD_SUSPECT'])
  expect(codes(patience.sift([about(BGP_SESSION_DOWN)], 180_000))).toEqual(['BGP_SESSION_DOWN'])
  patience.sift([about(BGP_PASSWORD_SUSPECT)], 181_000)
  patience.sift([], 182_000)
  patience.sift([about(BGP_SESSION_DOWN)], 183_000)
  expect(codes(patience.sift([about(BGP_SESSION_DOWN)], 193_000))).toEqual(['BGP_SESSION_DOWN'])
})
