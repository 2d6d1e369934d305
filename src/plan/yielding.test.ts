import { describe, expect, test } from 'vitest'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../../test/support/world.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import { type ForeignRules, hostPortKey, NOBODY_ELSE } from '../model/foreign.ts'
import type { Delta } from '../model/plan.ts'
import { changesOf, createPlanner } from './planner.ts'
import { Yielding } from './yielding.ts'

const service = (name: string, id: number) =>
  aService(`default/${name}`, {
    clusterIPs: [`10.96.0.${id}`],
    ports: [{ name: '', protocol: 'tcp', port: 80, nodePort: 30000 + id }],
  })
const pod = (name: string, id: number, hostPort: number, hostIP = '') =>
  aPod(`default/${name}`, 'n1', {
    addresses: [`10.244.1.${id}`],
    hostPorts: [{ hostIP, hostPort, containerPort: 80, protocol: 'tcp' }],
  })
const slice = aSlice('default/web-1', 'default/web', {
  ports: [{ name: '', protocol: 'tcp', port: 8080 }],
  endpoints: [anEndpoint('10.244.1.2')],
})
const nodes = [aNode('n1', { addresses: ['192.0.2.1'], podCIDRs: ['10.244.1.0/24'] })]
const small = aWorld({ services: [service('web', 1)], slices: [slice], pods: [pod('a', 2, 8080)], nodes })
const large = aWorld({
  services: [service('web', 1), service('api', 2)],
  slices: [slice],
  pods: [pod('a', 2, 8080), pod('b', 3, 8081, '192.0.2.1')],
  nodes,
})

const KUBE_PROXY: ForeignRules = { serviceProxy: 'kube-proxy (nftables)', hostPorts: new Map() }
function portmap(port: number, serviceProxy = ''): ForeignRules {
  const claim = { family: 'ipv4', protocol: 'tcp', port, by: 'CNI portmap' } as const
  return { serviceProxy, hostPorts: new Map([[hostPortKey(claim), claim]]) }
}

/** A node that does what it is told. */
function node() {
  const planner = createPlanner('n1')
  const yielding = new Yielding(planner)
  const installed = new Map<string, DataPathEntry>()
  const take = ({ upserts, removals }: Delta<DataPathEntry>) => {
    for (const entry of upserts) installed.set(entry.key, entry)
    for (const key of removals) installed.delete(key)
  }
  return {
    planner,
    yielding,
    installed,
    plan: (world: typeof small) => take(yielding.filter(planner.update(world, [...changesOf(world), ...changesOf(large)]))),
    foreign: (rules: ForeignRules) => take(yielding.set(rules)),
    keys: () => [...installed.keys()].toSorted(),
  }
}

describe('what is left to others', () => {
  test('all of Services, and nothing of hostPorts, while a service proxy is there', () => {
    const one = node()
    one.plan(small)
    const whole = one.keys()
    one.foreign(KUBE_PROXY)
    expect(one.keys()).toEqual([
      'host-port/ipv4/*/tcp/8080',
      'local-pod/10.244.1.2',
      'local-source/10.244.1.0/24',
      'node-address/192.0.2.1',
      'pod:default/a:tcp:8080:*/host/ipv4',
    ])
    one.plan(large)
    expect(one.keys().filter((key) => /10\.96|node-port|default\/(web|api)/.test(key))).toEqual([])
    one.plan(small)
    one.foreign(NOBODY_ELSE)
    expect(one.keys()).toEqual(whole)
  })

  test('the hostPorts that a CNI plugin has, and what they are forwarded to', () => {
    const one = node()
    one.plan(large)
    const whole = one.keys()
    one.foreign(portmap(8081))
    expect(whole.filter((key) => !one.installed.has(key))).toEqual([
      'host-address/ipv4/192.0.2.1/tcp/8081',
      'pod:default/b:tcp:8081:192.0.2.1/host/ipv4',
    ])
    expect(one.yielding.findings.map(({ code, message }) => `${code.code} ${message}`)).toEqual([
      'FW0207 hostPort 8081/tcp of pod/default/b is served by CNI portmap, so Fairway leaves it alone.',
    ])
    one.foreign(NOBODY_ELSE)
    expect(one.keys()).toEqual(whole)
    expect(one.yielding.findings).toEqual([])
  })

  test('whatever comes first, and however often: the same in the end', () => {
    const steps = [
      (one: ReturnType<typeof node>) => one.plan(small),
      (one: ReturnType<typeof node>) => one.plan(large),
      (one: ReturnType<typeof node>) => one.foreign(KUBE_PROXY),
      (one: ReturnType<typeof node>) => one.foreign(portmap(8080)),
      (one: ReturnType<typeof node>) => one.foreign(NOBODY_ELSE),
    ]
    const end = (one: ReturnType<typeof node>) => {
      one.plan(large)
      one.foreign(portmap(8080, 'Cilium'))
      return one.keys()
    }
    const expected = end(node())
    expect(expected).toContain('host-address/ipv4/192.0.2.1/tcp/8081')
    for (const first of steps) {
      for (const second of steps) {
        const one = node()
        first(one)
        second(one)
        expect(end(one)).toEqual(expected)
      }
    }
  })
})
