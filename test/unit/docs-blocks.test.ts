/** Every block that users may type says what a test does with it; `test/live/docs.test.ts` does it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isMarked, PAGES, readBlocks } from '../support/docs-blocks.ts'

const blocks = PAGES.flatMap(readBlocks)

describe('blocks of the pages', () => {
  test('are found', () => {
    expect(blocks.filter(({ mark }) => mark.startsWith('run')).length).toBeGreaterThan(4)
  })

  test('say whether they are run, or why not (marks: test/support/docs-blocks.ts)', () => {
    expect(
      blocks.filter((block) => !isMarked(block)).map(({ page, line, language, mark }) => [page, line, language, mark]),
    ).toEqual([])
  })

  test('name targets that the Makefile has', () => {
    const makefile = readFileSync(join(import.meta.dirname, '../../Makefile'), 'utf8')
    const targets = blocks.flatMap(({ text }) => [...text.matchAll(/^make ([a-z-]+)/gm)].map(([, target]) => target))
    expect(targets.filter((target) => !new RegExp(`^${target}:`, 'm').test(makefile))).toEqual([])
  })

  test.each([
    ['', '', false],
    ['sh', '', false],
    ['sh', 'run on client', true],
    ['sh', 'shown:', false],
    ['sh', 'shown: it takes an hour', true],
    ['console', 'run on client', false],
    ['yaml', '', false],
    ['text', '', true],
  ])('language %j with mark %j: %s', (language, mark, wanted) => {
    expect(isMarked({ page: '', line: 1, language, mark, text: '' })).toBe(wanted)
  })
})
