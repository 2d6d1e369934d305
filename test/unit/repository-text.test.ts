import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)) && statSync(join(root, file)).isFile())
const text = (file: string) => readFileSync(join(root, file), 'utf8')

/** Paths of a machine on which this was written, which no other machine has. */
const foreignPath = new RegExp(
  ['/wo' + 'rk/', '\\.\\./sha' + 'red/', '(^|[\\s"\'`(])sha' + 'red/[a-z-]+\\.(md|txt)'].join('|'),
  'm',
)

/** Relative targets of links and images in Markdown, without code. */
function relativeLinks(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '')
  const targets = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map((match) => match[1] ?? '')
  return targets.filter((target) => !/^([a-z]+:|#|\/\/)/.test(target)).map((target) => target.replace(/#.*$/, ''))
}

describe('files of the repository', () => {
  it('name no path of the machine on which they were written', () => {
    expect(files.length).toBeGreaterThan(10)
    expect(files.filter((file) => foreignPath.test(text(file)))).toEqual([])
  })

  it('link to files that exist', () => {
    const pages = files.filter((file) => file.endsWith('.md'))
    const dead = pages.flatMap((page) =>
      relativeLinks(text(page))
        .filter((target) => !existsSync(join(root, dirname(page), decodeURIComponent(target))))
        .map((target) => `${page} -> ${target}`),
    )
    expect(dead).toEqual([])
  })

  it('finds links where they are, and none in code', () => {
    expect(relativeLinks('see [a](b.md#c) and ![d](e.svg "f"), [g](https://h), [i](#j), `[k](l)`\n```\n[m](n)\n```\n')).toEqual([
      'b.md',
      'e.svg',
    ])
  })
})
