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

it('tells both', () => {
  expect(clash(claim('pod/b', 2), claim('pod/a', 1)).subjects).toEqual(['pod/a', 'pod/b'])
})
