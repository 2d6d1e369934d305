import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  describeFaults,
  type Faults,
  hostState,
  hostsThatCanServe,
  NO_FAULTS,
  peersCutFrom,
  setCut,
  setPairCut,
  setStopped,
} from './faults.ts'
import { DEFAULT_TOPOLOGY } from './topology.ts'
import { pairRules } from './wires/faults.ts'

const HOSTS = ['client', 'ubuntu-1', 'optiplex-1', 'optiplex-2', 'tor']
const serving = (faults: Faults) => [...hostsThatCanServe({ topology: DEFAULT_TOPOLOGY, faults })]

const host = fc.constantFrom(...HOSTS)
const change = fc.oneof(
  fc.tuple(host, fc.boolean()).map(([name, on]) => ({
    apply: (faults: Faults) => setStopped(faults, name, on),
    undo: (faults: Faults) => setStopped(faults, name, false),
  })),
  fc.tuple(host, fc.boolean()).map(([name, on]) => ({
    apply: (faults: Faults) => setCut(faults, name, on),
    undo: (faults: Faults) => setCut(faults, name, false),
  })),
  fc.tuple(host, host, fc.boolean()).map(([one, other, on]) => ({
    apply: (faults: Faults) => setPairCut(faults, [one, other], on),
    undo: (faults: Faults) => setPairCut(faults, [other, one], false),
  })),
)

test('making a fault twice is making it once, and undoing all in any order leaves none', () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      let faults = NO_FAULTS
      for (const { apply } of changes) {
        const once = apply(faults)
        expect(apply(once)).toEqual(once)
        faults = once
      }
      expect(changes.reduce((left, { undo }) => undo(left), faults)).toEqual(NO_FAULTS)
    }),
  )
})

test('a host without power is stopped whatever its wire is; a pair is seen from both sides', () => {
  const faults = setPairCut(setCut(setStopped(NO_FAULTS, 'tor', true), 'tor', true), ['optiplex-1', 'client'], true)
  expect(HOSTS.map((name) => hostState(faults, name))).toEqual(['up', 'up', 'up', 'up', 'stopped'])
  expect([peersCutFrom(faults, 'client'), peersCutFrom(faults, 'optiplex-1')]).toEqual([['optiplex-1'], ['client']])
  expect(describeFaults(faults).map(({ remedy }) => remedy)).toEqual([
    'node start tor',
    'link heal tor',
    'link heal client optiplex-1',
  ])
})

test('nodes are waited for that have power and reach the API server', () => {
  expect(serving(NO_FAULTS)).toEqual(['ubuntu-1', 'optiplex-1', 'optiplex-2'])
  expect(serving(setStopped(NO_FAULTS, 'optiplex-1', true))).toEqual(['ubuntu-1', 'optiplex-2'])
  expect(serving(setPairCut(NO_FAULTS, ['optiplex-2', 'ubuntu-1'], true))).toEqual(['ubuntu-1', 'optiplex-1'])
  expect(serving(setPairCut(NO_FAULTS, ['optiplex-2', 'optiplex-1'], true))).toHaveLength(3)
  expect(serving(setCut(NO_FAULTS, 'ubuntu-1', true))).toEqual(['ubuntu-1'])
  expect(serving(setStopped(NO_FAULTS, 'ubuntu-1', true))).toEqual([])
})

test('the rules of the switch replace what was there, in both directions', () => {
  expect(pairRules(DEFAULT_TOPOLOGY, NO_FAULTS)).toBe('table bridge lab-faults\ndelete table bridge lab-faults\n')
  const rules = pairRules(DEFAULT_TOPOLOGY, setPairCut(NO_FAULTS, ['tor', 'client'], true))
  expect(rules).toContain('iifname "client" oifname "tor" drop')
  expect(rules).toContain('iifname "tor" oifname "client" drop')
})
