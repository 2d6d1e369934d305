import { describe, expect, test } from 'vitest'
import { readAgentConfig } from './agent.ts'

test('flags win over the environment', () => {
  const args = [
    '--node',
    'n1',
    '--kubeconfig',
    '/k',
    '--dir',
    '/d',
    '--ready-fd',
    '5',
    '--service-proxy',
    'fairway',
    '--bgp',
    'none',
    '--l2',
    'none',
  ]
  const env = {
    NODE_NAME: 'other',
    FAIRWAY_SERVICE_PROXY: 'none',
    FAIRWAY_BGP: 'auto',
    FAIRWAY_L2: 'auto',
    FAIRWAY_LOAD_BALANCER_CLASS: 'example.com/internal',
    FAIRWAY_BGP_DRAIN: '30',
    FAIRWAY_EXTERNAL_IPS: '192.0.2.0/24, 2001:DB8::/32,198.51.100.7',
  }
  expect(readAgentConfig(args, env)).toEqual({
    node: 'n1',
    kubeconfig: '/k',
    dir: '/d',
    readyFd: 5,
    cleanup: false,
    serviceProxy: 'fairway',
    externalIPs: ['192.0.2.0/24', '2001:db8::/32', '198.51.100.7/32'],
    health: { host: '', port: 10256 },
    bgp: 'none',
    birdDir: '/d/bird',
    bgpDrainInS: 30,
    l2: 'none',
    loadBalancerClass: 'example.com/internal',
  })
  expect(readAgentConfig([], { NODE_NAME: 'n2' })).toEqual({
    node: 'n2',
    dir: '/run/fairway/agent',
    cleanup: false,
    serviceProxy: 'auto',
    externalIPs: [],
    health: { host: '', port: 10256 },
    bgp: 'auto',
    birdDir: '/run/fairway/agent/bird',
    bgpDrainInS: 5,
    l2: 'auto',
    loadBalancerClass: '',
  })
})

test('a clean-up needs no node', () => {
  expect(readAgentConfig(['--cleanup'], {})).toMatchObject({ cleanup: true })
})

test('routes that are never withdrawn, and a folder of BIRD of its own', () => {
  const args = ['--node', 'n', '--bgp-drain', 'never', '--bird-dir', '/b']
  expect(readAgentConfig(args, {})).toMatchObject({ birdDir: '/b', bgpDrainInS: Number.POSITIVE_INFINITY })
})

describe('values', () => {
  const read = (...args: string[]) => readAgentConfig(['--node', 'n', ...args], {})
  test.each([
    ['primary', 'primary'],
    ['10.0.0.0/8,fd00::/64', ['10.0.0.0/8', 'fd00::/64']],
    ['10.1.2.3/8,fd00:0:0::1/64,10.1.2.3,0.0.0.0/0', ['10.0.0.0/8', 'fd00::/64', '10.1.2.3/32', '0.0.0.0/0']],
    ['', undefined],
  ])('--node-port-addresses %j', (text, expected) => {
    expect(read('--node-port-addresses', text).nodePortAddresses).toEqual(expected)
  })
  test.each([
    ['0.0.0.0:10256', { host: '', port: 10256 }],
    ['[::]:80', { host: '', port: 80 }],
    [':80', { host: '', port: 80 }],
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['[fd00::1]:80', { host: 'fd00::1', port: 80 }],
    ['none', undefined],
  ])('--health-address %j', (text, expected) => expect(read('--health-address', text).health).toEqual(expected))
})

test.each([
  [[], '--node'],
  [['--node', 'n', '--ready-fd', '1'], '--ready-fd'],
  [['--node', 'n', '--ready-fd', 'x'], '--ready-fd'],
  [['--node', 'n', '--service-proxy', 'yes'], '--service-proxy'],
  [['--node', 'n', '--external-ips', '10.0.0.0/33'], '--external-ips'],
  [['--node', 'n', '--bgp', 'yes'], '--bgp'],
  [['--node', 'n', '--bgp-drain', '1.5'], '--bgp-drain'],
  [['--node', 'n', '--bgp-drain', '5s'], '--bgp-drain'],
  [['--node', 'n', '--external-ips', '10/8'], '--external-ips'],
  [['--node', 'n', '--external-ips', 'example.org'], '--external-ips'],
  [['--node', 'n', '--node-port-addresses', 'secondary'], '--node-port-addresses'],
  [['--node', 'n', '--health-address', '10256'], '--health-address'],
  [['--node', 'n', '--health-address', 'fd00::1:80'], '--health-address'],
  [['--node', 'n', '--health-address', ':70000'], '--health-address'],
  [['--nod', 'n'], undefined],
  [['n'], undefined],
])('%j is refused, and %s is named', (args, field) => {
  expect(() => readAgentConfig(args, {})).toThrow(
    expect.objectContaining({ field, code: expect.objectContaining({ code: 'FW0001' }) }),
  )
})

test('what is wrong in the environment is named as it is there', () => {
  expect(() => readAgentConfig(['--node', 'n'], { FAIRWAY_SERVICE_PROXY: 'maybe' })).toThrow(
    'FAIRWAY_SERVICE_PROXY is "maybe", which is not auto, fairway or none.',
  )
})
