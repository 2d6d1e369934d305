/** Every recorded kubectl command, run by real kubectl against our API server, gives what it gave against a real one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differencesOf } from '../support/recorded/compare.ts'
import { DIFFERENCES } from '../support/recorded/differences.ts'
import { readRecordings } from '../support/recorded/recording.ts'
import { Replay } from '../support/recorded/replay.ts'

const recordings = readRecordings()

describe('recorded kubectl commands', () => {
  let replay: Replay
  beforeAll(async () => {
    replay = await Replay.start()
  })
  afterAll(() => replay[Symbol.asyncDispose]())

  test('are all there', () => {
    expect(recordings.length).toBe(81)
    expect(Object.keys(DIFFERENCES).filter((name) => !recordings.some((recorded) => recorded.name === name))).toEqual([])
  })

  // Those that failed for want of a kubelet are tried with one elsewhere.
  const compared = recordings.filter(({ name }) => DIFFERENCES[name] === undefined || DIFFERENCES[name].at !== undefined)
  test.each(compared.map((recorded) => [recorded.name, recorded] as const))('%s', async (name, recorded) => {
    const replayed = await replay.run(recorded)
    const said = `${replayed.stdout}${replayed.stderr}`
    expect(differencesOf(recorded, replayed), said).toEqual(DIFFERENCES[name]?.at ?? [])
  })
})
