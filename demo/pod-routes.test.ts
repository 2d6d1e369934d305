import { expect, test } from 'vitest'
import { goToPod } from './pod-routes.ts'
import type { Shell } from './way.ts'

/** A lab in which the pod is reached once the examples are applied, by `seen`; or always. */
function aLab(seen: readonly string[], always = false): { readonly client: Shell; readonly 'far-client': Shell } {
  let applied = always
  const said = (stdout: string, exitCode = 0) => Promise.resolve({ exitCode, stdout, stderr: '' })
  return {
    client: (line) => {
      if (line.startsWith('kubectl apply')) applied = true
      return said(line.includes('jsonpath') ? '10.244.1.2 fd00:10:244:1::2' : '')
    },
    'far-client': (line) => {
      const address = line.includes('[fd00') ? seen[1] : seen[0]
      return applied ? said(JSON.stringify({ client: { address } })) : said('', 7)
    },
  }
}

const differencesIn = async (lab: Parameters<typeof goToPod>[0]) =>
  (await goToPod(lab, () => undefined)).flatMap(({ differences }) => differences)

test('a pod that is reached once it is announced, by the client as it is, is as it should be', async () => {
  expect(await differencesIn(aLab(['172.30.0.10', 'fd00:172:30::10']))).toEqual([])
})

test('a pod that sees another address than the client has, or is reached too soon, is not', async () => {
  expect(await differencesIn(aLab(['192.168.0.1', 'fd00:172:30::10']))).toEqual([
    'the pod sees 192.168.0.1, and the client is 172.30.0.10',
  ])
  expect(await differencesIn(aLab(['172.30.0.10', 'fd00:172:30::10'], true))).toEqual([
    'the pod is reached before anything is announced',
    'the pod is reached before anything is announced',
  ])
})
