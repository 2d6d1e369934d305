/** The BIRD in memory under the suite of the real one, and what only it can be made to do. */
import { expect, it } from 'vitest'
import { TransportEngine } from '../../src/engine/bird/engine.ts'
import { FakeBird } from '../../src/engine/bird/fake.ts'
import { route, SPEAKER, session } from '../support/bgp-entries.ts'
import { birdSuite } from '../support/bird-suite.ts'
import { NEVER } from '../support/datapath.ts'

const shared = new FakeBird()
birdSuite('BIRD in memory', () => shared)

it('leaves out a session that BIRD refuses, and says which', async () => {
  const bird = new FakeBird()
  bird.refuses = /neighbor 192\.0\.2\.66 /
  const engine = new TransportEngine(bird)
  const upserts = [SPEAKER, session({ name: 'strange', peerAddress: '192.0.2.66' }), session()]
  await engine.apply({ upserts, removals: [] }, NEVER)
  expect([...engine.observed.keys()]).toEqual(['speaker', 'session/tor'])
  expect(engine.findings).toMatchObject([{ code: { name: 'BGP_CONFIG_REFUSED' }, subjects: ['session/strange'] }])
})

it('keeps the last good configuration when no session is at fault', async () => {
  const bird = new FakeBird()
  const engine = new TransportEngine(bird)
  await engine.apply({ upserts: [SPEAKER, session()], removals: [] }, NEVER)
  const before = bird.running
  bird.refuses = /^router id/
  await expect(engine.apply({ upserts: [{ ...SPEAKER, routerId: '10.0.0.2' }], removals: [] }, NEVER)).rejects.toMatchObject({
    code: { name: 'BGP_CONFIG_REFUSED' },
  })
  expect(bird.running).toBe(before)
  expect(engine.observed.get('speaker')).toEqual(SPEAKER)
  expect(engine.findings).toMatchObject([{ code: { name: 'BGP_CONFIG_REFUSED' }, subjects: [] }])
})

it('loads nothing when nothing differs', async () => {
  const bird = new FakeBird()
  const engine = new TransportEngine(bird)
  const delta = { upserts: [SPEAKER, session(), route('10.244.1.1/32')], removals: [] }
  await engine.apply(delta, NEVER)
  await engine.apply(delta, NEVER)
  expect(bird.loads).toBe(1)
})
