import { describe, expect, it } from 'vitest'
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
