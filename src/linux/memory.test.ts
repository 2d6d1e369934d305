import { expect, test } from 'vitest'
import { giveMemoryBack } from './memory.ts'

test('gives back what a burst left behind', () => {
  const burst = () => Array.from({ length: 400_000 }, (_, index) => ({ text: `entry ${index}` })).length
  giveMemoryBack()
  const before = process.memoryUsage().heapTotal
  let made = 0
  for (let turn = 0; turn < 3; turn++) made += burst()
  expect(made).toBe(1_200_000)
  giveMemoryBack()
  expect(process.memoryUsage().heapTotal).toBeLessThan(before + 20 * 2 ** 20)
})
