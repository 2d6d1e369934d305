import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { boundOnce } from './log-bound.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fwt-logs-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))
const read = (name: string) => readFileSync(join(dir, name), 'utf8')

test('a log that grew too large is put aside while its writer goes on', () => {
  const writer = openSync(join(dir, 'agent.log'), 'a')
  try {
    writeSync(writer, 'first line, which is long\n')
    boundOnce(dir, 10)
    writeSync(writer, 'second\n')
    expect([read('agent.log.1'), read('agent.log')]).toEqual(['first line, which is long\n', 'second\n'])
    boundOnce(dir, 10)
    expect(read('agent.log')).toBe('second\n')
    writeSync(writer, 'third\n')
    boundOnce(dir, 10)
    expect([read('agent.log.1'), read('agent.log')]).toEqual(['second\nthird\n', ''])
  } finally {
    closeSync(writer)
  }
})

test('other files, and a folder that is gone, are left alone', () => {
  writeFileSync(join(dir, 'lab.json'), 'x'.repeat(20))
  writeFileSync(join(dir, 'agent.log.1'), 'x'.repeat(20))
  boundOnce(dir, 10)
  boundOnce(join(dir, 'gone'), 10)
  expect(readdirSync(dir)).toEqual(['agent.log.1', 'lab.json'])
})
