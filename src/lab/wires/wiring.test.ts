import { describe, expect, test } from 'vitest'
import { withBgp, withoutBgp } from '../bgp-topology.ts'
import { hostsOf } from '../names.ts'
import { DEFAULT_TOPOLOGY } from '../topology.ts'
import { parseTopology } from '../topology-file/parse.ts'
import { printTopology } from '../topology-file/print.ts'
import { pairRules } from './faults.ts'
import { planHost, planSwitch } from './plan.ts'
import { gatewayAddresses, portsBetween, wiresOf } from './wiring.ts'

const BGP = withBgp(DEFAULT_TOPOLOGY)
const hostOf = (name: string, topology = BGP) => {
  const host = hostsOf(topology).find((one) => one.name === name)
  if (host === undefined) throw new Error(`no host ${name}`)
  return host
}

test('a host has a device for each of its wires, and its first port has its name', () => {
  expect(wiresOf(BGP, hostOf('tor')).map(({ link, port, device, addresses }) => [link, port, device, ...addresses])).toEqual([
    ['switch', 'tor', 'eth0', '192.168.0.1/16', 'fd00:192:168::1/64'],
    ['core', 'core.5', 'eth1', '172.31.0.1/30', 'fd00:172:31::1/64'],
  ])
  const all = hostsOf(BGP).flatMap((host) => wiresOf(BGP, host))
  for (const key of ['port', 'mac'] as const) expect(new Set(all.map((wire) => wire[key])).size).toBe(all.length)
})

test('each link is a bridge of its own', () => {
  const { ip } = planSwitch('two', BGP)
  expect(ip.filter((line) => line.includes('type bridge'))).toHaveLength(3)
  expect(ip).toContain('link add name agg type veth peer name eth0 address 02:fa:1b:00:01:06 netns fw-two-agg')
  expect(ip).toContain('link set dev agg master br1 up')
  expect(ip).toContain('link set dev core.5 master br1 up')
  expect(ip).toContain('link set dev far-client master br2 up')
})

test('everybody sends everything else to the first router on its link', () => {
  expect(gatewayAddresses(BGP, hostOf('client'))).toEqual(['192.168.0.1', 'fd00:192:168::1'])
  expect(gatewayAddresses(BGP, hostOf('far-client'))).toEqual(['172.30.0.1', 'fd00:172:30::1'])
  expect(gatewayAddresses(BGP, hostOf('agg'))).toEqual([])
  expect(planHost('two', BGP, hostOf('far-client')).ip).toContain('route add default via 172.30.0.1 dev eth0')
})

test('routers that speak BGP spread connections over ways of equal cost', () => {
  const paths = (name: string) => planHost('two', BGP, hostOf(name)).sysctls.map(({ path }) => path)
  expect(paths('tor')).toContain('ipv4/fib_multipath_hash_policy')
  expect(paths('ubuntu-1')).not.toContain('ipv4/fib_multipath_hash_policy')
})

test('two hosts are cut from each other where a link joins them', () => {
  expect(portsBetween(BGP, ['tor', 'agg'])).toEqual([['core.5', 'agg']])
  expect(portsBetween(BGP, ['client', 'agg'])).toEqual([])
  expect(pairRules(BGP, { stopped: [], cut: [], pairs: [['agg', 'tor']] })).toContain('iifname "agg" oifname "core.5" drop')
})

describe('a lab with BGP', () => {
  test('is what it was when that is taken away, and the same when it is asked for again', () => {
    expect(withoutBgp(BGP)).toEqual(DEFAULT_TOPOLOGY)
    expect(withBgp(BGP)).toBe(BGP)
    expect(parseTopology(printTopology(BGP))).toEqual(BGP)
  })

  test.each(['IPv4', 'IPv6'])('has only %s if the lab does', (family) => {
    const topology = parseTopology(`{ipFamilies: [${family}], bgp: true, nodes: [{name: one}]}`)
    const addresses = hostsOf(topology).flatMap((host) => wiresOf(topology, host).flatMap((wire) => wire.addresses))
    expect(addresses).toHaveLength(7)
    expect(addresses.filter((address) => address.includes(':') !== (family === 'IPv6'))).toEqual([])
    expect(topology.links?.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].filter((range) => range !== undefined))).toHaveLength(2)
  })

  test('is asked for in the file, or beside it', () => {
    const file = 'nodes: [{name: one}]'
    expect(parseTopology(file).nodeAsn).toBeUndefined()
    expect(parseTopology(file, { bgp: true })).toEqual(parseTopology(`${file}\nbgp: true`))
  })

  test.each([
    [
      'a range of its own',
      'pods: {ipv4: 172.16.0.0/12}',
      'pods.ipv4 is 172.16.0.0/12, and overlaps the link core, 172.31.0.0/30',
    ],
    ['a name of its own', 'clients: [{name: agg}]', 'routers[1].name is "agg", and so is clients[0].name'],
  ])('refuses %s', (_, line, sentence) => {
    expect(() => parseTopology(`{nodes: [{name: one}], bgp: true, ${line}}`)).toThrow(sentence)
  })
})
