import { expect, test } from 'vitest'
import { readAgentConfig } from './agent.ts'

test('flags win over the environment', () => {
  const args = ['--node', 'n1', '--kubeconfig', '/k', '--dir', '/d', '--ready-fd', '5']
  expect(readAgentConfig(args, { NODE_NAME: 'other' })).toEqual({
    node: 'n1',
    kubeconfig: '/k',
    dir: '/d',
    readyFd: 5,
    cleanup: false,
  })
  expect(readAgentConfig([], { NODE_NAME: 'n2' })).toEqual({ node: 'n2', dir: '/run/fairway/agent', cleanup: false })
})

test('a clean-up needs no node', () => {
  expect(readAgentConfig(['--cleanup'], {})).toMatchObject({ cleanup: true })
})

test.each([
  [[], '--node'],
  [['--node', 'n', '--ready-fd', '1'], '--ready-fd'],
  [['--node', 'n', '--ready-fd', 'x'], '--ready-fd'],
  [['--nod', 'n'], undefined],
  [['n'], undefined],
])('%j is refused, and %s is named', (args, field) => {
  expect(() => readAgentConfig(args, {})).toThrow(
    expect.objectContaining({ field, code: expect.objectContaining({ code: 'FW0001' }) }),
  )
})
