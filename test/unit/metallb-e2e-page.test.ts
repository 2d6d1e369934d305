/** docs/reference/metallb-e2e.md and the tests that it names hold each other: no case without its test, no test without its case. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const LIVE = new URL('../live/', import.meta.url)
const page = readFileSync(new URL('../../docs/reference/metallb-e2e.md', import.meta.url), 'utf8')

interface Row {
  readonly name: string
  readonly where: string
  readonly remark: string
}

interface Title {
  /** What it says before what each run fills in. */
  readonly stem: string
  /** Of several cases, which the source names in a list. */
  readonly isTable: boolean
}

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| case |'))
  .map((line): Row => {
    const [, name = '', where = '', remark = ''] = line.split('|').map((cell) => cell.trim())
    return { name, where, remark }
  })

/** By the name of the test that calls them: `metallb-l2`. */
const OWN = /^metallb-(l2|bgp)$/
const folder = new URL('metallb/', LIVE)
const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
const titles = sources.flatMap(titlesOf)

function titlesOf(source: string): readonly Title[] {
  let group = ''
  return [...source.matchAll(/(\bdescribe|\btest|\))\(\s*(['"`])(.+?)\2/g)].flatMap(([, what, , text = '']) => {
    if (what === 'describe') group = text
    const [stem = ''] = `${group} ${text}`.split('%')
    return what === 'describe' || group === '' ? [] : { stem: stem.trim(), isTable: text.includes('%') }
  })
}

test('the tests are found', () => {
  expect(titles.length).toBeGreaterThan(40)
})

describe.each(rows)('$name', ({ name, where, remark }) => {
  test('has its test, or says why not', () => {
    if (where === 'none') return expect(remark).not.toBe('')
    if (OWN.test(where)) {
      if (titles.some(({ stem, isTable }) => !isTable && name === stem)) return
      const table = titles.find(({ stem, isTable }) => isTable && name.startsWith(`${stem} `))
      expect(table, name).toBeDefined()
      const entry = name.slice((table?.stem.length ?? 0) + 1).replace(/ (true|false)$/, '')
      return expect(sources.some((source) => source.includes(`'${entry}'`))).toBe(true)
    }
    const [file = '', title = ''] = where.split(': ')
    expect(title).not.toBe('')
    expect(readFileSync(new URL(`${file}.test.ts`, LIVE), 'utf8')).toContain(title)
  })
})

test.each(titles.map(({ stem }) => stem))('%s is in the page', (stem) => {
  expect(rows.some(({ name, where }) => OWN.test(where) && name.startsWith(stem))).toBe(true)
})
