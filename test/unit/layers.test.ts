import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractDepcruiseConfig from 'dependency-cruiser/config-utl/extract-depcruise-config'
import { describe, expect, it } from 'vitest'

const root = `${import.meta.dirname}/../..`
const { forbidden = [], options = {} } = await extractDepcruiseConfig(`${root}/.dependency-cruiser.mjs`)
const rules = forbidden.map((rule) => rule.name ?? '')

/** The project's own rules over another tree; `baseDir` makes paths begin with `src/`, as in the project. */
async function judge(baseDir: string): Promise<ICruiseResult> {
  const { doNotFollow, tsPreCompilationDeps, moduleSystems, enhancedResolveOptions } = options
  const how = { baseDir, validate: true, doNotFollow, tsPreCompilationDeps, moduleSystems, ruleSet: { forbidden } }
  const { output } = await cruise(['src'], how, { ...enhancedResolveOptions })
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text')
  return output
}

/** The rule that a file of the tree is named after; a cycle is reported from either of its two files. */
const namesake = (file: string) => basename(file, '.ts').replace(/-other$/, '')

describe('layer rules', () => {
  it('bite: in the tree that must fail, each file named after a rule breaks it, and nothing else is broken', async () => {
    const { summary } = await judge(`${root}/test/layers`)
    const broken = summary.violations.map((violation) => [violation.rule.name, namesake(violation.from)])
    expect(rules.length).toBeGreaterThan(15)
    expect(broken.toSorted()).toEqual(rules.map((rule) => [rule, rule]).toSorted())
  })

  it('read the source: every module of src is parsed, and none breaks a rule', async () => {
    const { summary, modules } = await judge(root)
    const files = readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
    const parsed = modules.filter((module) => /^src\/.*\.tsx?$/.test(module.source))
    expect(parsed.length).toBeGreaterThanOrEqual(files.length)
    expect(parsed.flatMap((module) => module.dependencies).length).toBeGreaterThan(10)
    expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([])
  })
})
