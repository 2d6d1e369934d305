import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CliCluster } from '../../../test/support/cli.ts'
import { BgpObjects } from '../../../test/support/cli-bgp.ts'

const GOLDEN = join(import.meta.dirname, '../../../test/golden/cli')

let cluster: CliCluster
let there: BgpObjects
beforeEach(async () => {
  cluster = new CliCluster()
  await cluster.open()
  there = new BgpObjects(cluster)
})
afterEach(() => cluster.close())

function everything(): void {
  there.node('node-1', { podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] })
  there.node('node-2', { podCIDRs: ['10.244.2.0/24', 'fd00:2::/64'] })
  there.node('node-3', { podCIDRs: ['10.244.3.0/24'], ready: false })
  there.node('node-4', { podCIDRs: ['10.244.4.0/24'] })
  there.pod('web', 'node-1', ['10.244.1.7', 'fd00:1::7'], { app: 'web' })
  there.pod('web-2', 'node-1', ['10.244.1.8'], { app: 'web' })
  there.pod('db', 'node-2', ['10.244.2.9'], { app: 'db' })
  there.peer('tor', { passwordSecret: { name: 'unread' } })
  there.peer('agg', {
    peerAddress: '192.168.0.2',
    dualStackAddressFamily: true,
    nodeSelectors: [{ matchLabels: { no: 'node' } }],
  })
  there.peer('two', { peerAddress: '192.168.0.3', dualStackAddressFamily: true })
  there.session('tor', 'node-1')
  there.session('metallb-system/two', 'node-1')
  there.session('tor', 'node-2', { state: 'Active' })
  there.session('tor', 'node-3')
  there.session('two', 'node-3')
  there.session('tor', 'node-4', { draining: true })
  there.session('two', 'node-4', { draining: true })
  there.advertisement('ranges', { nodePodCIDRs: true, peers: ['tor'] })
  there.advertisement('web', {
    pods: { selector: { matchLabels: { app: 'web' } } },
    aggregationLength: 28,
    communities: ['64512:1', 'large:64512:1:2'],
    localPref: 200,
  })
  there.advertisement('one', { pods: { selector: { matchLabels: { app: 'db' } } }, peers: ['two', 'missing'] })
  there.advertisement('idle', { pods: { selector: { matchLabels: { app: 'none' } } } })
  there.advertisement('wrong', { pods: {}, aggregationLength: 33 })
  there.pool('public', ['192.168.9.0/24', 'fd00:9::/64'])
  there.pool('elsewhere', ['192.168.10.0/24'])
  there.bgpAdvertisement('public', { ipAddressPools: ['public'], peers: ['tor'], communities: ['64513:100'] })
  there.bgpAdvertisement('still', { ipAddressPools: ['elsewhere'], nodeSelectors: [{ matchLabels: { no: 'node' } }] })
  there.bgpAdvertisement('unused', { ipAddressPools: ['nowhere'] })
  there.service('shop', ['192.168.9.0'], { externalTrafficPolicy: 'Local' }, ['node-1'])
  there.service('unheard', ['192.168.10.1'])
}

test.each(['table', 'wide', 'json', 'yaml'])('-o %s', async (form) => {
  everything()
  const { stdout, stderr, exitCode } = await cluster.run('bgp', 'routes', '-o', form)
  expect(exitCode).toBe(1)
  await expect(`${stdout}--- standard error\n${stderr}`).toMatchFileSnapshot(join(GOLDEN, `bgp-routes.${form}.txt`))
})

const prefixes = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {3,}/).slice(0, 2).join(' '))

test.each([
  ['10.244.1.7', 0, ['10.244.1.0/24 node-1', '10.244.1.0/28 node-1']],
  ['fd00:1:0::7', 0, ['fd00:1::/64 node-1', 'fd00:1::7/128 node-1']],
  ['10.244.0.0/16', 1, ['10.244.1.0/24', '10.244.1.0/28', '10.244.2.0/24', '10.244.2.9/32', '10.244.3.0/24', '10.244.4.0/24']],
  ['10.244.1.4/30', 0, ['10.244.1.0/24 node-1', '10.244.1.0/28 node-1']],
  ['default/web-2', 0, ['10.244.1.0/28 node-1']],
  ['192.168.9.0', 0, ['192.168.9.0/32 node-1']],
  ['default/shop', 0, ['192.168.9.0/32 node-1']],
])('who announces %s?', async (what, code, rows) => {
  everything()
  const { stdout, exitCode } = await cluster.run('bgp', 'routes', what)
  expect(prefixes(stdout)).toEqual(rows.map((row) => expect.stringContaining(row)))
  expect(exitCode).toBe(code)
})

test('nobody does: a finding, and what may be why', async () => {
  everything()
  const { stdout, stderr, exitCode } = await cluster.run('bgp', 'routes', '192.0.2.1')
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 })
  expect(stderr).toMatch(/FW0505[\s\S]*FW0557 PodRouteAdvertisement idle[\s\S]*FW0558 No node announces 192\.0\.2\.1\./)
})

test.each([
  'web',
  '10.244.1.0/33',
  '10.244.1',
  'fd00::/129',
  'fe80::1%eth0',
  '',
  'A/b',
])('%j is nothing to ask for', async (what) => {
  const said = await cluster.run('bgp', 'routes', what)
  expect(said).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is no address, prefix, pod or Service.') })
})

test('a node that drains announces until it withdraws', async () => {
  there.node('node-1', { podCIDRs: ['10.244.1.0/24'] })
  there.peer('tor')
  there.advertisement('ranges', { nodePodCIDRs: true })
  there.session('tor', 'node-1', { draining: true })
  expect((await cluster.run('bgp', 'routes')).stdout).toContain('- to 1 of 1, draining')
  there.session('tor', 'node-1', { draining: true, routesSent: 0 })
  expect(await cluster.run('bgp', 'routes')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('- to 0 of 1, draining'),
  })
})

test('peers of one name in two namespaces are told apart', async () => {
  there.node('node-1', { podCIDRs: ['10.244.1.0/24'] })
  there.peer('tor')
  there.peer('tor', { peerAddress: '192.168.0.9' }, {}, 'other')
  there.session('other/tor', 'node-1', { state: 'Idle' })
  there.session('metallb-system/tor', 'node-1')
  there.advertisement('ranges', { nodePodCIDRs: true })
  const { routes } = JSON.parse((await cluster.run('bgp', 'routes', '-o', 'json')).stdout)
  expect(routes[0]).toMatchObject({ health: 'degraded', announcedTo: 1, meantFor: 2 })
  expect(routes[0].paths).toMatchObject([
    { namespace: 'metallb-system', state: 'Established' },
    { namespace: 'other', state: 'Idle' },
  ])
})

test('of one namespace: pods only', async () => {
  everything()
  expect(prefixes((await cluster.run('bgp', 'routes', '-n', 'default')).stdout)).toHaveLength(4)
  const none = await cluster.run('bgp', 'routes', '-n', 'other')
  expect(none).toMatchObject({
    stdout: '',
    stderr: expect.stringContaining('No pod and no Service of the namespace other is announced'),
  })
})

test('nothing is there, and nothing is installed', async () => {
  expect(await cluster.run('bgp', 'routes')).toMatchObject({
    exitCode: 0,
    stdout: '',
    stderr: expect.stringContaining('No routes.'),
  })
  cluster.api.fault = (_, url) => (/^\/apis\/(metallb|fairway)/.test(url.pathname) ? { kind: 'status', status: 404 } : undefined)
  const said = await cluster.run('bgp', 'routes')
  expect(said).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('BGPPeer and PodRouteAdvertisement and BGPSessionStatus'),
  })
})

test('--watch follows pods: what changes is printed, and no more', async () => {
  there.node('node-1', { podCIDRs: ['10.244.1.0/24'] })
  there.peer('tor')
  there.session('tor', 'node-1')
  there.advertisement('all', { pods: {} })
  there.pod('a', 'node-1', ['10.244.1.7'])
  const watch = cluster.start('bgp', 'routes', '-w')
  await watch.says(/10\.244\.1\.7/)
  const asked = cluster.api.requests.length
  there.pod('b', 'node-1', ['10.244.1.8'])
  await watch.says(/10\.244\.1\.8/)
  there.removePod('a')
  await watch.says(/\(gone\)/)
  watch.interrupt()
  expect(prefixes((await watch.ended).stdout)).toEqual(['10.244.1.7/32 node-1', '10.244.1.8/32 node-1', '10.244.1.7/32 node-1'])
  expect(cluster.api.requests).toHaveLength(asked)
})
