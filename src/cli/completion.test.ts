import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, tryRun } from '../linux/run.ts'
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
  // a kubectl that gives back what it was asked, but for its options
  const kubectl =
    'kubectl() { local word; for word in "$@"; do case $word in -*|json*|config|get-contexts|name) ;; *) echo "$word" ;; esac; done; [[ $* == *get-contexts* ]] && echo of; }'
  const ask = `${kubectl}; COMP_WORDS=(fairway "$@"); COMP_CWORD=$#; FAIRWAY_RUN_DIR=${dir}; _fairway; printf '%s\\n' "\${COMPREPLY[@]}"`
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
  [
    ['bgp', 'peers', '-o', ''],
    ['table', 'wide', 'json', 'yaml'],
  ],
  [['lab', 'up', '--output', 'j'], ['json']],
  [['lab', 'logs', '-f', '--ta'], ['--tail']],
  [['lab', 'up', '-f', '--ti'], []],
  [['bgp', 'peers', '--color', 'n'], ['never']],
  [['completion', 'b'], ['bash']],
  [
    ['bgp', 'peers', '--context', 'x', '--kubeconfig', 'y', '--context', ''],
    ['of', 'x', 'y'],
  ],
  [
    ['bgp', 'peers', '-n', ''],
    ['get', 'namespaces'],
  ],
  [['bgp', 'peers', 'bg'], ['bgppeers']],
])('%j offers %j', async (words, expected) => {
  expect((await offered(...words)).toSorted()).toEqual(expected.toSorted())
})

test('kubectl is given the same, a word a line, and told whether files are wanted', async () => {
  const complete = async (...words: readonly string[]) => (await tryRun(['bin/kubectl_complete-fairway', ...words])).stdout
  expect(await complete('bgp', 'peers', '-o', '')).toBe('table\nwide\njson\nyaml\n:4\n')
  expect(await complete('lab', 'up', '--file', '')).toBe(':0\n')
})
