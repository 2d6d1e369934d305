import { describe, expect, it } from 'vitest'
import { section } from '../../bench/failover/bench.ts'
import { keepalivedConfig } from '../../bench/failover/keepalived.ts'
import type { Noticed, Round } from '../../bench/failover/site.ts'
import { withSection } from '../../bench/results.ts'
import { median, milliseconds, percentile, times } from '../../bench/statistics.ts'

describe('a section of the results', () => {
  const page = withSection(withSection('# Results\n', 'one', 'first'), 'two', 'second')

  it('is added at the end', () => {
    expect(page).toBe(
      '# Results\n\n<!-- begin one -->\nfirst\n<!-- end one -->\n\n<!-- begin two -->\nsecond\n<!-- end two -->\n',
    )
  })

  it('is replaced where it stands, and nothing else is', () => {
    expect(withSection(page, 'one', 'new $& text\n')).toBe(page.replace('first', () => 'new $& text'))
  })
})

describe('statistics', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)

  it('takes percentiles by the nearest rank', () => {
    expect([0, 0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100])
    expect(median([3, 1, 2])).toBe(2)
    expect(percentile([], 0.5)).toBeNaN()
  })

  it('writes times and ratios', () => {
    expect([0.214, 12.4, 1_440, 12_400, Number.NaN].map(milliseconds)).toEqual(['0.21 ms', '12 ms', '1.4 s', '12 s', '-'])
    expect([times(700, 0.5), times(3, 2), times(1, Number.NaN)]).toEqual(['1,400x', '1.5x', '-'])
  })
})

describe('the failover benchmark', () => {
  const noticed = (darkInMs: number): Noticed => ({ failed: darkInMs / 10, reset: 0, darkInMs })
  const round = (own: number, peer: number): Round => ({
    fairway: { ipv4: noticed(own), ipv6: noticed(own + 10) },
    keepalived: { ipv4: noticed(peer), ipv6: noticed(peer) },
  })

  it('sets medians and the worst of both products side by side, by family', () => {
    const rows = section([
      { name: 'dies', rounds: [round(200, 300), round(390, 310), round(210, 290)] },
      { name: 'moves', rounds: [{ ...round(0, 40), fairway: { ipv4: noticed(0), ipv6: noticed(0) } }] },
    ]).split('\n')
    expect(rows).toContain('| dies, IPv4 | 3 | **1.4x** | 210 ms | 390 ms | 300 ms | 310 ms | 80 and 0 reset | 90 and 0 reset |')
    expect(rows).toContain('| dies, IPv6 | 3 | **1.4x** | 220 ms | 400 ms | 300 ms | 310 ms | 83 and 0 reset | 90 and 0 reset |')
    expect(rows).toContain('| moves, IPv4 | 1 | - | 0 | 0 | 40 ms | 40 ms | 0 and 0 reset | 4 and 0 reset |')
    expect(rows.at(-1)).toBe(
      'Aims: dark for at most 400 ms when the owner dies met (400 ms); no new connection fails otherwise met.',
    )
  })

  it('says which aims were missed', () => {
    const text = section([
      { name: 'dies', rounds: [round(391, 300)] },
      { name: 'moves', rounds: [round(10, 0)] },
    ])
    expect(text).toContain('when the owner dies missed (401 ms); no new connection fails otherwise missed (3).')
  })

  it('gives keepalived an instance a family', () => {
    const text = keepalivedConfig({ priority: 254, addresses: ['192.0.2.1', '2001:db8::1'], weightFile: '/run/weight' })
    expect(text).toContain('virtual_router_id 51\n  priority 254\n  advert_int 0.1')
    expect(text).toContain('virtual_ipaddress { 192.0.2.1/32 }')
    expect(text).toContain('virtual_ipaddress { 2001:db8::1/128 }')
    expect(text.match(/virtual_router_id 52/g)).toHaveLength(1)
  })
})
