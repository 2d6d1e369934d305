import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { codesPage } from '../../scripts/generate-docs.ts'
import { CODES } from '../../src/model/codes/index.ts'

const root = `${import.meta.dirname}/../..`
const page = readFileSync(`${root}/docs/reference/codes.md`, 'utf8')

describe('the registry of codes', () => {
  it('gives each number and each name once', () => {
    const numbers = CODES.map((code) => code.code)
    const names = CODES.map((code) => code.name)
    expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([])
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it.each(CODES.map((code) => [code.code, code] as const))('%s has its form and whole sentences', (_, code) => {
    expect(code.code).toMatch(/^FW\d{4}$/)
    expect(code.name).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/)
    expect(code.title).toMatch(/^\S.*[^.]$/)
    expect(code.cause).toMatch(/^\S[\s\S]*[.!)]$/)
    expect(code.fix).toMatch(/^\S[\s\S]*[.!)]$/)
  })

  it('has every file of codes', async () => {
    const files = readdirSync(`${root}/src/model/codes`).filter((file) => file.endsWith('.ts') && !/^index|\.test\./.test(file))
    const areas = await Promise.all(files.map((file) => import(/* @vite-ignore */ `${root}/src/model/codes/${file}`)))
    const all = areas.flatMap((area: Record<string, { code: string }>) => Object.values(area).map((code) => code.code))
    expect(CODES.map((code) => code.code).toSorted()).toEqual(all.toSorted())
  })
})

describe('every code', () => {
  const raising = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'src', 'scripts', 'bin'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(
      (file) =>
        /\.(tsx?|sh)$|^bin\//.test(file) && !/\.test\.ts$|^src\/model\/codes\//.test(file) && existsSync(`${root}/${file}`),
    )
    .map((file) => readFileSync(`${root}/${file}`, 'utf8'))
    .join('\n')

  it('can be raised: its name or number stands in the source, outside the registry', () => {
    const idle = CODES.filter((code) => !new RegExp(`\\b(${code.name}|${code.code})\\b`).test(raising))
    expect(idle.map((code) => `${code.code} ${code.name}`)).toEqual([])
  })
})

describe('docs/reference/codes.md', () => {
  const documented = [...page.matchAll(/^## (FW\d{4}) /gm)].map((match) => match[1])

  it('has every code of the registry, and no other', () => {
    expect(documented.toSorted()).toEqual(CODES.map((code) => code.code).toSorted())
  })

  it('is what `make generate` writes', () => {
    expect(page).toBe(codesPage(CODES))
  })
})
