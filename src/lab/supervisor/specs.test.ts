import { expect, test } from 'vitest'
import { withBgp } from '../bgp-topology.ts'
import { NO_FAULTS } from '../faults.ts'
import type { LabState } from '../state.ts'
import { DEFAULT_TOPOLOGY, withTimes } from '../topology.ts'
import { apiServerSpec, clientSpecs, commandOf, processNames, routerSpecs } from './specs.ts'

const STATE: LabState = {
  version: 2,
  name: 'two',
  topology: DEFAULT_TOPOLOGY,
  faults: NO_FAULTS,
  apiPort: 7443,
  entry: '/opt/main.ts',
}
const valuesOf = (args: readonly string[], flag: string) => args.flatMap((arg, index) => (arg === flag ? [args[index + 1]] : []))

test('the API server listens on the control plane and on the loopback of the machine', () => {
  const { host, args } = apiServerSpec(STATE, '/proc/5/ns/net')
  expect(host).toBe('ubuntu-1')
  expect(valuesOf(args, '--listen')).toEqual(['192.168.0.154:6443', '[fd00:192:168::154]:6443', '127.0.0.1:7443@/proc/5/ns/net'])
  expect(valuesOf(args, '--service-ranges')).toEqual(['10.96.0.0/12,fd00:10:96::/112'])
})

test('each node has a kubelet and an agent, in its own namespace and with its own name', () => {
  const specs = clientSpecs(STATE)
  expect(specs.map(({ name }) => name)).toEqual([
    'lab-controllers',
    'controller',
    ...DEFAULT_TOPOLOGY.nodes.map(({ name }) => `lab-kubelet-${name}`),
    ...DEFAULT_TOPOLOGY.nodes.map(({ name }) => `agent-${name}`),
  ])
  for (const { role, host, args } of specs)
    if (role === 'lab-kubelet' || role === 'agent') expect(valuesOf(args, '--node')).toEqual([host])
  expect(specs.filter(({ args }) => args.includes('--control-plane')).map(({ host }) => host)).toEqual(['ubuntu-1'])
  expect(processNames(STATE)).toHaveLength(10)
})

test('routers that speak BGP have a process each, which needs no API server', () => {
  expect(routerSpecs(STATE)).toEqual([])
  const withRouters = { ...STATE, topology: withBgp(DEFAULT_TOPOLOGY) }
  expect(routerSpecs(withRouters).map(({ name, host }) => [name, host])).toEqual([
    ['lab-router-tor', 'tor'],
    ['lab-router-agg', 'agg'],
  ])
  expect(processNames(withRouters)).toHaveLength(12)
})

test('a process runs in its namespace and dies with the supervisor', () => {
  const command = commandOf(STATE, clientSpecs(STATE)[1] ?? apiServerSpec(STATE, ''))
  expect(command.slice(0, 7)).toEqual([
    'nsenter',
    '--net=/run/netns/fw-two-ubuntu-1',
    '--',
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
  ])
  expect(command).toContain('/opt/main.ts')
  expect(command.slice(-2)).toEqual(['--ready-fd', '3'])
})

test('controllers and kubelets are told the times of the lab', () => {
  const flagsOf = (state: LabState) =>
    clientSpecs(state).flatMap(({ role, args }) => valuesOf(args, '--times').map((value) => `${role} ${value}`))
  expect(new Set(flagsOf(STATE))).toEqual(new Set(['lab-controllers quick', 'lab-kubelet quick']))
  expect(flagsOf({ ...STATE, topology: withTimes(DEFAULT_TOPOLOGY, 'kubernetes') })).toContain('lab-controllers kubernetes')
})
