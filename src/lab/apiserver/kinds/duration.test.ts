import { expect, test } from 'vitest'
import { humanDuration, since } from './duration.ts'

const S = 1000
const M = 60 * S
const H = 60 * M
const D = 24 * H

test.each([
  [-5 * S, '<invalid>'],
  [-1 * S, '0s'],
  [0, '0s'],
  [119 * S, '119s'],
  [2 * M, '2m'],
  [2 * M + 5 * S, '2m5s'],
  [10 * M + 5 * S, '10m'],
  [179 * M, '179m'],
  [3 * H, '3h'],
  [3 * H + 5 * M, '3h5m'],
  [8 * H + 5 * M, '8h'],
  [47 * H, '47h'],
  [2 * D, '2d'],
  [2 * D + 3 * H, '2d3h'],
  [8 * D + 3 * H, '8d'],
  [729 * D, '729d'],
  [730 * D, '2y'],
  [735 * D, '2y5d'],
  [3000 * D, '8y'],
])('%d ms is %s', (spanInMs, text) => {
  expect(humanDuration(spanInMs)).toBe(text)
})

test('without a timestamp', () => {
  expect(since(undefined, 0)).toBe('<unknown>')
})
