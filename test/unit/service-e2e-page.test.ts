/** docs/reference/service-e2e.md and the tests that it names hold each other: no case without its test, no test without its case. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const LIVE = new URL('../live/', import.meta.url)
const page = readFileSync(new URL('../../docs/reference/service-e2e.md', import.meta.url), 'utf8')
const files = readdirSync(LIVE).filter((name) => /^service-e2e.*\.test\.ts$/.test(name))

interface Row {
  readonly name: string
  readonly file: string
  readonly remark: string
}

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| case |'))
  .map((line): Row => {
    const [, name = '', file = '', remark = ''] = line.split('|').map((cell) => cell.trim())
    return { name, file, remark }
  })

/** What a title says before what each run fills in. */
function stemsOf(file: string): readonly string[] {
  const source = readFileSync(new URL(file, LIVE), 'utf8')
  const titles = [...source.matchAll(/(?:\btest|\)|\n {2,}\])\(\s*(['`])(.+?)\1,\s*async/g)].map(([, , title = '']) => title)
  const listed = [...source.matchAll(/^ +\[?\s*'((?:Services|Networking) should .+?)',/gm)].map(([, title = '']) => title)
  return [...titles, ...listed].map((title) => title.split(/\$\{|%s/)[0]?.trim() ?? '').filter((stem) => stem !== '')
}

const stems = new Map(files.map((file) => [file.replace('.test.ts', ''), stemsOf(file)]))

test('the tests are found', () => {
  expect(files.length).toBeGreaterThan(8)
  for (const [file, found] of stems) expect(found, file).not.toEqual([])
  expect([...stems.values()].flat().length).toBeGreaterThan(55)
})

describe.each(rows)('$name', ({ name, file, remark }) => {
  test('has its test, or says why not', () => {
    if (file === 'none') return expect(remark).not.toBe('')
    const found = stems.get(file) ?? []
    const isOfBoth = name.startsWith('Services Secondary IP Family')
    expect(isOfBoth || found.some((stem) => name.startsWith(stem)), `${name} in ${file}`).toBe(true)
  })
})

test.each(
  [...stems].flatMap(([file, found]) => found.map((stem) => [file, stem] as const)),
)('%s: %s is in the page', (file, stem) => {
  expect(rows.some((row) => row.file === file && row.name.startsWith(stem))).toBe(true)
})
