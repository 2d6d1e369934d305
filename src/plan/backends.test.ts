import { expect, it } from 'vitest'
import { GROUP_KEY_LIMIT } from '../model/datapath.ts'
import { groupKey } from './backends.ts'

it('keys of groups are readable, bounded and distinct', () => {
  expect(groupKey('default/web:http', 'cluster', 'ipv4')).toBe('default/web:http/cluster/ipv4')
  const long = `${'n'.repeat(63)}/${'s'.repeat(63)}`
  const [one, other] = [groupKey(`${long}:a`, 'cluster', 'ipv6'), groupKey(`${long}:b`, 'cluster', 'ipv6')]
  expect(one).not.toBe(other)
  expect([one.length, other.length]).toEqual([GROUP_KEY_LIMIT, GROUP_KEY_LIMIT])
})
