import { expect, test } from 'vitest'
import { DEFAULT_TOPOLOGY } from '../topology.ts'
import { planHost, planSwitch } from './plan.ts'

const planOf = (name: string) => {
  const { nodes, clients, routers } = DEFAULT_TOPOLOGY
  const host = [...nodes, ...clients, ...routers].find((one) => one.name === name)
  if (host === undefined) throw new Error(`no host ${name}`)
  return planHost('lab', DEFAULT_TOPOLOGY, host)
}
const sysctl = (name: string, path: string) => planOf(name).sysctls.find((one) => one.path === path)?.value

test('every pair is made inside the switch, with its far end put straight into its host', () => {
  const { namespace, ip } = planSwitch('two', DEFAULT_TOPOLOGY)
  expect(namespace).toBe('fw-two-switch')
  const pairs = ip.filter((line) => line.includes('type veth'))
  expect(pairs).toContain('link add name ubuntu-1 type veth peer name eth0 address 02:fa:1b:00:00:01 netns fw-two-ubuntu-1')
  expect(pairs).toHaveLength(5)
  for (const pair of pairs) expect(pair).toMatch(/netns fw-two-[a-z0-9-]+$/)
})

test('interface names fit in the kernel', () => {
  const names = planSwitch('lab', DEFAULT_TOPOLOGY).ip.flatMap((line) => /^link add (?:name )?(\S+)/.exec(line)?.[1] ?? [])
  for (const name of names) expect(name.length).toBeLessThanOrEqual(15)
})

test('a node has the addresses, default routes and overlay of its place', () => {
  const { ip, bridge, nft } = planOf('optiplex-1')
  expect(ip).toContain('addr add 192.168.0.240/16 brd + dev eth0')
  expect(ip).toContain('addr add fd00:192:168::240/64 dev eth0 nodad')
  expect(ip).toContain('route add default via 192.168.0.1 dev eth0')
  expect(ip).toContain('route add default via fd00:192:168::1 dev eth0')
  expect(ip).toContain('route add 10.244.4.0/24 via 10.244.4.0 dev flannel.1 onlink')
  expect(ip).toContain('route add fd00:10:244:4::/64 via fd00:10:244:4:: dev flannel.1 onlink')
  expect(ip.filter((line) => line.startsWith('route add 10.244.1.0'))).toEqual([])
  expect(bridge).toEqual([
    'fdb add ee:fa:c0:a8:00:9a dev flannel.1 dst 192.168.0.154 self permanent',
    'fdb add ee:fa:c0:a8:00:a1 dev flannel.1 dst 192.168.0.161 self permanent',
  ])
  expect(nft).toContain('oifname "eth0" ip saddr 10.244.0.0/16 ip daddr != { 10.244.0.0/16, 224.0.0.0/4 } masquerade')
})

test('the overlay address that a node has is the one that the others send to', () => {
  const own = /address (\S+) mtu 1450/.exec(planOf('ubuntu-1').ip.join('\n'))?.[1]
  expect(planOf('optiplex-1').bridge.join('\n')).toContain(`fdb add ${own} dev flannel.1 dst 192.168.0.154`)
  expect(planOf('optiplex-2').ip).toContain(`neigh add 10.244.0.0 lladdr ${own} dev flannel.1 nud permanent`)
})

test('the client knows no pod range, and neither does the router', () => {
  for (const name of ['client', 'tor'])
    expect(planOf(name).ip.filter((line) => line.includes('10.244') || line.includes('flannel'))).toEqual([])
  expect(planOf('tor').ip.filter((line) => line.includes('default'))).toEqual([])
  expect(planOf('tor').nft).toContain('reject with icmpx no-route')
  expect(planOf('client').ip).toContain('route add default via 192.168.0.1 dev eth0')
})

test('nodes and routers forward, clients do not', () => {
  expect([sysctl('ubuntu-1', 'ipv4/ip_forward'), sysctl('tor', 'ipv4/ip_forward'), sysctl('client', 'ipv4/ip_forward')]).toEqual([
    '1',
    '1',
    '0',
  ])
  expect(sysctl('ubuntu-1', 'ipv6/conf/all/forwarding')).toBe('1')
  expect(sysctl('ubuntu-1', 'ipv4/conf/all/rp_filter')).toBe('2')
  expect(planOf('ubuntu-1').sysctls[0]?.path).toBe('ipv4/ip_forward')
})
