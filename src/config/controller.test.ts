import { describe, expect, test } from 'vitest'
import { readAgentConfig } from './agent.ts'
import { readControllerConfig } from './controller.ts'

const roles = [
  ['controller', readControllerConfig],
  ['agent', (args: readonly string[], env: Readonly<Record<string, string>>) => readAgentConfig(['--node', 'n1', ...args], env)],
] as const

describe.each(roles)('the class that the %s serves', (_, read) => {
  test.each([
    ['that of Services that name none', [], {}, ''],
    ['the flag', ['--load-balancer-class', 'example.com/a'], {}, 'example.com/a'],
    ['the variable', [], { FAIRWAY_LOAD_BALANCER_CLASS: 'b' }, 'b'],
    ['the flag before the variable', ['--load-balancer-class', ''], { FAIRWAY_LOAD_BALANCER_CLASS: 'example.com/b' }, ''],
  ])('%s', (_case, args, env, loadBalancerClass) => {
    expect(read(args, env)).toMatchObject({ loadBalancerClass })
  })

  test.each(['a b', '/a', 'a/', 'Example.com/a', 'a/b/c', '.a'])('not %j, which no Service can have', (text) => {
    expect(() => read(['--load-balancer-class', text], {})).toThrow(`--load-balancer-class is "${text}"`)
    expect(() => read([], { FAIRWAY_LOAD_BALANCER_CLASS: text })).toThrow(`FAIRWAY_LOAD_BALANCER_CLASS is "${text}"`)
  })
})
