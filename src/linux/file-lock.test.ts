import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFile } from './file-lock.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairway-lock-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('one holds it, the others do not, until it is given back', async () => {
  const path = join(dir, 'deep', 'a.lock')
  const first = await lockFile(path)
  expect(first).toBeDefined()
  expect(await lockFile(path)).toBeUndefined()
  first?.release()
  const second = await lockFile(path)
  expect(second).toBeDefined()
  second?.release()
})

test('who waits gets it when it is given back', async () => {
  const path = join(dir, 'a.lock')
  const first = await lockFile(path)
  const waiting = lockFile(path, 10)
  first?.release()
  const second = await waiting
  expect(second).toBeDefined()
  second?.release()
})

test('a removed lock file is not one that excludes nobody', async () => {
  const path = join(dir, 'a.lock')
  const first = await lockFile(path)
  const waiting = lockFile(path, 10)
  first?.remove()
  const second = await waiting
  expect(existsSync(path)).toBe(true)
  expect(await lockFile(path)).toBeUndefined()
  second?.remove()
  expect(existsSync(path)).toBe(false)
})
