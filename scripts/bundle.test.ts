import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, tryRun } from '../src/linux/run.ts'

const CACHE = fileURLToPath(new URL('../.cache', import.meta.url))
let folder: string

beforeAll(async () => {
  mkdirSync(CACHE, { recursive: true })
  folder = mkdtempSync(join(CACHE, 'bundle-'))
  await run([process.execPath, fileURLToPath(new URL('bundle.ts', import.meta.url)), folder])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fairway = (...args: string[]) =>
  tryRun([process.execPath, join(folder, 'main.js'), ...args], { env: { FAIRWAY_LOG: 'info' } })

test('the bundle runs without the source tree', async () => {
  expect(await fairway('version')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^fairway \d+\.\d+\.\d+ \(Node 24/),
  })
  expect(await fairway('explain', 'FW0101')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('MACHINE_NOT_LINUX') })
})

test.each([
  ['agent'],
  ['lab-apiserver'],
  ['lab-controllers'],
  ['lab-kubelet'],
  ['lab-echo'],
])('%s is in it: a wrong flag is refused', async (role) => {
  expect(await fairway(role, '--no-such-flag', 'x')).toMatchObject({
    exitCode: expect.not.toSatisfy((code: number) => code === 0),
    stderr: expect.stringContaining('no-such-flag'),
  })
})
