import { expect, it } from 'vitest'
import { boundingOf, capabilitiesOf } from './capabilities.ts'

const EVERYTHING = (1n << 41n) - 1n
const of = (securityContext: object, bounding = EVERYTHING) => capabilitiesOf({ name: 'a', securityContext }, bounding)

it('a container has the default capabilities, and what it adds and drops', () => {
  expect(of({})).toHaveLength(14)
  expect(of({ capabilities: { add: ['NET_ADMIN', 'CAP_sys_time'] } })).toEqual(
    expect.arrayContaining(['NET_ADMIN', 'SYS_TIME', 'CHOWN']),
  )
  expect(of({ capabilities: { drop: ['CHOWN'] } })).not.toContain('CHOWN')
  expect(of({ capabilities: { drop: ['ALL'] } })).toEqual([])
  expect(of({ capabilities: { drop: ['ALL'], add: ['KILL'] } })).toEqual(['KILL'])
  expect(of({ capabilities: { add: ['ALL'], drop: ['BPF'] } })).toHaveLength(40)
  expect(of({ privileged: true })).toHaveLength(41)
})

it('nobody has what the machine has not', () => {
  const bounding = boundingOf('Name:\tx\nCapBnd:\t000001fffeffffff\n')
  expect(of({ privileged: true }, bounding)).not.toContain('SYS_RESOURCE')
  expect(of({ privileged: true }, bounding)).toHaveLength(40)
  expect(boundingOf('')).toBe(0n)
})
