import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../linux/run.ts'
import { completionScript } from './commands/completion.ts'
import { buildProgram } from './program.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fwt-completion-'))
  for (const lab of ['one', 'two']) mkdirSync(join(dir, lab))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** What a real bash offers for the last word. `fw-two-*` are the namespaces that there are. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const script = completionScript(buildProgram('fairway', () => undefined)).replaceAll('/run/netns', `${dir}/netns`)
  mkdirSync(`${dir}/netns`, { recursive: true })
  for (const name of ['client', 'node-1', 'switch', 'pod-0123456789'])
    mkdirSync(`${dir}/netns/fw-two-${name}`, { recursive: true })
  const ask = `COMP_WORDS=(fairway "$@"); COMP_CWORD=$#; FAIRWAY_RUN_DIR=${dir}; _fairway; printf '%s\\n' "\${COMPREPLY[@]}"`
  const text = await run(['bash', '-c', `${script}\n${ask}`, 'bash', ...words])
  return text.split('\n').filter(Boolean)
}

test.each([
  [['la'], ['lab']],
  [['lab', 'no'], ['node']],
  [
    ['lab', 'node', ''],
    ['stop', 'start', 'cut', 'heal', '--color', '--quiet', '--help'],
  ],
  [
    ['lab', 'node', 'st'],
    ['stop', 'start'],
  ],
  [['lab', '--name', 'x', 'd'], ['down']],
  [['lab', 'down', '--name', 't'], ['two']],
  [
    ['lab', 'exec', '--name', 'two', ''],
    ['--name', '--color', '--quiet', '--help', 'client', 'node-1'],
  ],
  [['lab', 'link', 'cut', '--name', 'two', 'client', 'n'], ['node-1']],
  [['lab', 'exec', '--name', 'one', 'c'], []],
  [['lab', 'up', '--file', ''], []],
])('%j offers %j', async (words, expected) => {
  expect((await offered(...words)).toSorted()).toEqual(expected.toSorted())
})
