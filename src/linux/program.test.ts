import { expect, test } from 'vitest'
import { programUrl } from './program.ts'

test.each([
  ['../../main.ts', 'file:///fairway/src/lab/images/echo.ts', 'file:///fairway/src/main.ts'],
  ['../../main.ts', 'file:///fairway/dist/chunk-ABC.js', 'file:///fairway/dist/main.js'],
  ['./worker.ts', 'file:///fairway/dist/main.js', 'file:///fairway/dist/worker.js'],
] as const)('%s from %s', (source, base, expected) => {
  expect(programUrl(source, base).href).toBe(expected)
})
