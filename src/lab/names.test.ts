import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairwayError } from '../model/code.ts'
import { checkLabName, hostNamed, hostNamespaces, podNamespacePrefix } from './names.ts'
import { DEFAULT_TOPOLOGY } from './topology.ts'

const labName = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/).filter((name) => !name.split('-').includes('pod'))

test.each(['lab', 'two', 'a', 'a-b', 'podium', 'x12345678901'])('%s is a name', (name) => {
  expect(checkLabName(name)).toBe(name)
})

test.each([
  '',
  'Lab',
  '1a',
  '-a',
  'a_b',
  'a/b',
  '../x',
  'a b',
  'x123456789012',
  'pod',
  'a-pod',
  'a-pod-b',
  'läb',
  'a\n',
])('%j is none', (name) => {
  expect(() => checkLabName(name)).toThrow(
    expect.objectContaining({ code: expect.objectContaining({ code: 'FW0901' }), field: '--name' }),
  )
})

test('no namespace of one lab can be taken for one of another', () => {
  fc.assert(
    fc.property(labName, labName, (one, other) => {
      fc.pre(one !== other)
      const hosts = hostNamespaces(other, DEFAULT_TOPOLOGY)
      expect(hosts.filter((name) => hostNamespaces(one, DEFAULT_TOPOLOGY).includes(name))).toEqual([])
      expect(hosts.filter((name) => name.startsWith(podNamespacePrefix(one)))).toEqual([])
    }),
  )
})

test('an unknown host is answered with the hosts that there are', () => {
  expect(hostNamed(DEFAULT_TOPOLOGY, 'optiplex-2').ipv4).toBe('192.168.0.161')
  const error = (() => {
    try {
      return hostNamed(DEFAULT_TOPOLOGY, 'switch')
    } catch (caught) {
      return caught
    }
  })()
  expect(error).toBeInstanceOf(FairwayError)
  expect((error as FairwayError).fix).toContain('client, ubuntu-1, optiplex-1, optiplex-2, tor')
})
