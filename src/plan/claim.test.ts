import { expect, it } from 'vitest'
import { beatenBy, type Claim, clash } from './claim.ts'

const claim = (subject: string, claimedAtInMs: number, ...addresses: readonly string[]): Claim => ({
  slot: 's',
  addresses,
  subject,
  claimedAtInMs,
  text: 'port 80',
})
const winners = (claims: readonly Claim[]) => claims.map((one) => beatenBy(one, () => claims)?.subject)

it('gives a port to the oldest, then to the first by name', () => {
  expect(winners([claim('pod/b', 2), claim('pod/a', 2), claim('pod/c', 1)])).toEqual(['pod/c', 'pod/c', undefined])
  expect(winners([claim('pod/b', 1), claim('pod/a', 1)])).toEqual(['pod/a', undefined])
})

it('lets different addresses be, and meets both with a claim on all', () => {
  expect(winners([claim('pod/a', 1, '10.0.0.1'), claim('pod/b', 2, '10.0.0.2')])).toEqual([undefined, undefined])
  expect(winners([claim('pod/a', 1, '10.0.0.1', '10.0.0.3'), claim('pod/b', 2, '10.0.0.2')])).toEqual([undefined, undefined])
  expect(winners([claim('pod/a', 1, '10.0.0.1', '10.0.0.2'), claim('pod/b', 2, '10.0.0.2')])).toEqual([undefined, 'pod/a'])
  expect(winners([claim('pod/a', 1, '10.0.0.1'), claim('pod/b', 2)])).toEqual([undefined, 'pod/a'])
})

it('a claim that was beaten beats nobody', () => {
  expect(winners([claim('pod/a', 1, '10.0.0.1'), claim('pod/b', 2), claim('pod/c', 3, '10.0.0.2')])).toEqual([
    undefined,
    'pod/a',
    undefined,
  ])
})

it('meets claims on addresses in its ranges, never on loopback ones', () => {
  const ranged = { ...claim('service/a', 1, '192.0.2.1'), ranges: ['10.0.0.0/8', '127.0.0.0/8', '::/0'] }
  const rivals = ['192.0.2.1', '10.9.9.9', '192.0.2.2', '127.0.0.1', 'fd00::1', '::1', 'fe80::1']
  expect(rivals.map((address) => winners([ranged, claim('pod/b', 2, address)])[1])).toEqual([
    ...['service/a', 'service/a', undefined, undefined, 'service/a', undefined, undefined],
  ])
  expect(winners([ranged, { ...ranged, subject: 'service/b' }])).toEqual([undefined, 'service/a'])
  expect(winners([ranged, claim('pod/b', 2)])).toEqual([undefined, 'service/a'])
})

it('tells both', () => {
  expect(clash(claim('pod/b', 2), claim('pod/a', 1)).subjects).toEqual(['pod/a', 'pod/b'])
})
