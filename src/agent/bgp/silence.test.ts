import { expect, test } from 'vitest'
import { session } from '../../../test/support/bgp-entries.ts'
import { unheard } from '../../engine/bird/status.ts'
import type { BgpSession, SessionState } from '../../model/bgp.ts'
import { BGP_SESSION_DOWN } from '../../model/codes/bgp.ts'
import { type IsThere, Silence } from './silence.ts'

const LOCKED: BgpSession = { ...session(), peerAddress: '192.0.2.1', password: 'secret' }
const silent = (more: Partial<SessionState> = {}): SessionState => ({ ...unheard(LOCKED.key), phase: 'connect', ...more })

async function told(
  state: SessionState,
  of: BgpSession = LOCKED,
  isThere: IsThere = async () => true,
): Promise<string | undefined> {
  const down = { code: BGP_SESSION_DOWN, subjects: [of.key], message: '', fix: '' }
  const [found] = await new Silence(isThere).explain([down], [of], [state], 0)
  return found?.code.name
}

test('a neighbour that is there and says nothing to a session with a password makes the password suspect', async () => {
  expect(await told(silent())).toBe('BGP_PASSWORD_SUSPECT')
})

test('otherwise it stays what it was: without a password, with an answer, with nobody there, with a router in between', async () => {
  expect(await told(silent(), { ...LOCKED, password: '' })).toBe('BGP_SESSION_DOWN')
  expect(await told(silent({ lastError: 'Socket: Connection refused' }))).toBe('BGP_SESSION_DOWN')
  expect(await told(silent({ phase: 'open-sent' }))).toBe('BGP_SESSION_DOWN')
  expect(await told(silent(), LOCKED, async () => false)).toBe('BGP_SESSION_DOWN')
  expect(await told(silent(), LOCKED, async () => undefined)).toBe('BGP_SESSION_DOWN')
})

test('the kernel is asked every ten seconds', async () => {
  let asked = 0
  const silence = new Silence(async () => ++asked > 0)
  const down = [{ code: BGP_SESSION_DOWN, subjects: [LOCKED.key], message: '', fix: '' }]
  for (const atInMs of [0, 1_000, 9_999, 10_000]) await silence.explain(down, [LOCKED], [silent()], atInMs)
  expect(asked).toBe(2)
})
