import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { kubectlPage } from '../../scripts/generate-kubectl-page.ts'
import { differencesOf, steadyText } from '../support/recorded/compare.ts'
import type { Recording } from '../support/recorded/recording.ts'

test('the page of kubectl commands is what its script writes', () => {
  const page = readFileSync(new URL('../../docs/reference/kubectl.md', import.meta.url), 'utf8')
  expect(page, 'run `make generate`').toBe(kubectlPage())
})

/** A comparison that finds nothing would prove nothing. */
test('a difference of any sort is found', () => {
  const request = { method: 'GET', path: '/api/v1/pods/a', query: {}, status: 200, body: { kind: 'Pod', spec: { a: 1 } } }
  const recorded: Recording = {
    name: 'x',
    order: 0,
    args: [],
    exit: 0,
    stdout: 'NAME  AGE\na  5s\n',
    stderr: '',
    requests: [request],
  }
  const replayed = { exit: 0, stdout: 'NAME   AGE\na      2m3s\n', stderr: '', requests: [request] }
  const against = (change: object) => differencesOf(recorded, { ...replayed, ...change })
  expect(against({})).toEqual([])
  expect(against({ exit: 1 })).toEqual(['exit'])
  expect(against({ stdout: 'NAME  AGE\nb  5s\n' })).toEqual(['stdout: rows'])
  expect(against({ stdout: 'NAMES  AGE\na  5s\n' })).toEqual(['stdout'])
  expect(against({ stderr: 'x' })).toEqual(['stderr'])
  expect(against({ requests: [{ ...request, status: 404 }] })).toEqual(['requests'])
  expect(against({ requests: [] })).toEqual(['requests'])
  expect(against({ requests: [{ ...request, body: { kind: 'Pod', spec: { a: 2, b: 1 } } }] })).toEqual([
    'GET: spec.a',
    'GET: spec.b',
  ])
})

test('what a server chooses does not count, what it was told does', () => {
  expect(steadyText('80:31234/TCP')).toBe(steadyText('80:30772/TCP'))
  expect(steadyText('8086:30018/TCP')).not.toBe(steadyText('8086:30019/TCP'))
  expect(steadyText('10.96.0.1 5s')).toBe(steadyText('10.110.3.4 17m'))
  expect(steadyText('10.244.1.2')).not.toBe(steadyText('10.244.1.3'))
})
