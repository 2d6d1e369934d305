/** What the README shows is what works: its commands are run as printed, in a lab of this test's own. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryRun } from '../../src/linux/run.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from '../support/live-lab.ts'

/** Lines of the fenced blocks without a language, less their comments. */
const COMMANDS = [...readFileSync('README.md', 'utf8').matchAll(/^```\n(.*?)^```$/gms)]
  .flatMap(([, block = '']) => block.split('\n'))
  .map((line) => line.replace(/ +#.*$/, ''))
  .filter((line) => line !== '')

let lab: LiveLab
beforeAll(async () => {
  lab = await bringUpLab('t-docs')
})
afterAll(() => lab?.down())

test('the commands of the README work in their order', async () => {
  expect(COMMANDS).toContain('kubectl apply -f demo/seed/node-port/manifest.yaml')
  for (const command of COMMANDS) {
    if (/^make /.test(command)) expect(readFileSync('Makefile', 'utf8')).toMatch(new RegExp(`^${command.slice(5)}:`, 'm'))
    else if (/^bin\/fairway lab (up|down|shell)$/.test(command))
      continue // other tests hold these
    else if (command.startsWith('bin/fairway ')) {
      const [, ...words] = command.split(' ')
      expect(await tryRun([FAIRWAY, ...words], { env: { ...process.env, FAIRWAY_LAB: lab.name } })).toMatchObject({ exitCode: 0 })
    } else {
      if (command.startsWith('curl ')) await lab.client('kubectl wait --for=condition=Ready pod/nginx --timeout=20s')
      expect(await lab.client(command)).not.toBe('')
    }
  }
}, 60_000)
