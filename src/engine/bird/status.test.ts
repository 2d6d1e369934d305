import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { session } from '../../../test/support/bgp-entries.ts'
import { protocolName } from './config.ts'
import { ReplyReader } from './control.ts'
import { sessionFindings } from './findings.ts'
import { parseSessions, unheard } from './status.ts'
import { NO_DOUBTS } from './symptoms.ts'

/** A recorded answer; the sessions of the recording are `fw_s1` to `fw_s3`. */
function recorded(name: string): string {
  return readFileSync(new URL(`../../../test/golden/bird/${name}.txt`, import.meta.url), 'utf8')
}

const bfd = { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false }
const SESSIONS = [
  session({ name: 'one', peerAddress: '192.168.5.2', bfd }),
  session({ name: 'two', peerAddress: '192.168.5.9' }),
  session({ name: 'three', peerAddress: '192.168.5.2', peerPort: 1790 }),
]

function parsed() {
  const named = SESSIONS.reduce(
    (text, one, at) => text.replaceAll(`fw_s${at + 1} `, `${protocolName(one)} `),
    recorded('protocols'),
  )
  const [protocols] = new ReplyReader().take(named).filter(({ code }) => code === 0)
  const [bfdReply] = new ReplyReader().take(recorded('bfd')).filter(({ code }) => code === 0)
  return parseSessions([...SESSIONS, session({ name: 'four' })], protocols?.lines ?? [], bfdReply?.lines ?? [])
}

it('reads sessions of every kind', () => {
  const [one, two, three, four] = parsed()
  expect(one).toMatchObject({
    key: 'session/one',
    phase: 'established',
    holdTimeInS: 9,
    neighbourId: '10.0.0.2',
    localAddress: '192.168.5.1',
    lastError: '',
    bfd: 'up',
  })
  expect(one?.prefixes).toEqual({ ipv4: { sent: 1, accepted: 1, refused: 1 }, ipv6: { sent: 1, accepted: 0, refused: 0 } })
  expect(new Date(one?.sinceInMs ?? 0).getUTCFullYear()).toBe(2026)
  expect(two).toMatchObject({ phase: expect.stringMatching(/^(connect|active)$/), bfd: 'none' })
  expect(three).toMatchObject({ lastError: 'Socket: Connection refused' })
  expect(four).toEqual(unheard('session/four'))
})

it('tells what is wrong', () => {
  const found = sessionFindings(SESSIONS, parsed(), { doubts: NO_DOUBTS, flaps: new Map() })
  expect(found.map(({ subjects, code }) => [...subjects, code.name])).toEqual([
    ['session/two', 'BGP_SESSION_DOWN'],
    ['session/three', 'BGP_SESSION_DOWN'],
  ])
  expect(found[1]?.message).toContain('Connection refused')
})

it('reads answers in whatever pieces they come', () => {
  const text = '0001 BIRD 2.0.12 ready.\n0002-Reading configuration from x\n0003 Reconfigured\n9001 syntax error\n'
  for (let size = 1; size < 30; size++) {
    const reader = new ReplyReader()
    const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? []
    const replies = pieces.flatMap((piece) => reader.take(piece))
    expect(replies.map(({ code, lines }) => [code, lines.length])).toEqual([
      [1, 1],
      [3, 2],
      [9001, 1],
    ])
  }
})
