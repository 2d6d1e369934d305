import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CliCluster } from '../../../test/support/cli.ts'
import { PoolObjects } from '../../../test/support/cli-pools.ts'

const GOLDEN = join(import.meta.dirname, '../../../test/golden/cli')
const FORMS = ['table', 'wide', 'json', 'yaml']

let cluster: CliCluster
let there: PoolObjects
let dir: string
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fwt-pools-'))
  cluster = new CliCluster()
  await cluster.open()
  there = new PoolObjects(cluster)
})
afterEach(async () => {
  await cluster.close()
  rmSync(dir, { recursive: true })
})

function file(...objects: readonly (object | string)[]): string {
  const path = join(dir, 'pools.yaml')
  writeFileSync(path, objects.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n---\n'))
  return path
}

function pool(name: string, addresses: unknown, { spec = {}, annotations = {}, namespace = 'metallb-system' } = {}): object {
  const metadata = { name, namespace, annotations }
  return { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata, spec: { addresses, ...spec } }
}

const MOVE = { annotations: { 'fairway.dev/move-addresses': 'true' } }

function everything(): void {
  there.pool('demo', ['192.168.9.0-192.168.9.3', 'fd00:9::/64'])
  there.pool('later', ['192.168.9.2-192.168.9.9'], { autoAssign: false })
  there.pool('team', ['192.168.10.0/30'], {
    serviceAllocation: { priority: 5, namespaceSelectors: [{ matchLabels: { team: 'db' } }] },
  })
  const unready = { type: 'Ready', status: 'False', reason: 'ADDRESS_POOLS_OVERLAP', message: 'It is late.' }
  there.pool('wrong', 'all of them', {}, { conditions: [unready] })
  there.pool('half', ['192.168.11.0/31', '192.168.11.9-192.168.11.2'])
  there.pool('old', ['192.168.12.7/32'])
  there.pool('full', ['192.168.13.0/32'], { autoAssign: false })
  there.l2('segment', { ipAddressPools: ['demo', 'team', 'half', 'full', 'old'] })
  there.bgp('edge', { ipAddressPools: ['demo'] })
  there.service('default/web', { addresses: ['192.168.9.0'] })
  there.claim('192.168.9.0', 'demo', ['default/web'])
  there.service('default/dns', { spec: { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' } })
  there.claim('192.168.9.1', 'demo', ['default/dns'])
  there.claim('fd00:9::', 'demo', ['default/dns'], 'fd00-0009-0000-0000-0000-0000-0000-0000')
  there.service('default/kept', { addresses: ['192.168.12.9'] })
  there.claim('192.168.12.9', 'old', ['default/kept'])
  there.service('default/only', { addresses: ['192.168.13.0'], annotations: { 'metallb.io/address-pool': 'full' } })
  there.service('default/lost', { annotations: { 'metallb.io/address-pool': 'nowhere' } })
  there.service('default/local', { spec: { type: 'ClusterIP' } })
}

describe('fairway pools', () => {
  test.each(FORMS)('-o %s', async (form) => {
    everything()
    const { stdout, stderr, exitCode } = await cluster.run('pools', '-o', form)
    expect(exitCode).toBe(1)
    await expect(`${stdout}--- standard error\n${stderr}`).toMatchFileSnapshot(join(GOLDEN, `pools.${form}.txt`))
  })

  test('of a namespace: its pools, and what is wrong with them and with its Services', async () => {
    everything()
    const none = await cluster.run('pools', '-n', 'default')
    expect(none).toMatchObject({ stdout: '', exitCode: 1, stderr: expect.stringContaining('No pools in the namespace default') })
    expect(none.stderr).not.toContain('FW0607')
    expect(none.stderr).toContain('FW0603')
    expect((await cluster.run('pools', '-n', 'metallb-system')).stdout).toContain('demo')
  })

  test('all is well, and nothing is there', async () => {
    expect(await cluster.run('pools')).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringMatching(/^No pools\./) })
    there.pool('demo', ['192.168.9.0/24'])
    there.l2('all')
    expect(await cluster.run('pools')).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining('ok Ready   0 of 256'),
    })
  })

  test('a cluster without the definitions says so', async () => {
    cluster.api.fault = (_, url) => (url.pathname.startsWith('/apis/') ? { kind: 'status', status: 404 } : undefined)
    const said = await cluster.run('pools')
    expect(said).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('FW0613') })
    expect(said.stderr).toContain('does not know IPAddressPool and AddressClaim.')
  })

  test('--watch prints what changes', async () => {
    there.pool('demo', ['192.168.9.0/24'])
    there.l2('all')
    const watch = cluster.start('pools', '-w')
    await watch.says(/0 of 256/)
    there.claim('192.168.9.0', 'demo', ['default/web'])
    there.service('default/web', { addresses: ['192.168.9.0'] })
    await watch.says(/1 of 256/)
    there.removePool('demo')
    await watch.says(/\(gone\)/)
    await watch.says(/FW0608/, 'stderr')
    watch.interrupt()
  })
})

describe('fairway pools --dry-run', () => {
  const dryRun = (path: string, ...more: readonly string[]) => cluster.run('pools', '--dry-run', '-f', path, ...more)

  test.each(FORMS)('-o %s', async (form) => {
    everything()
    there.service('default/calm', { addresses: ['192.168.9.3'] })
    const path = file(
      pool('demo', ['192.168.9.1-192.168.9.5'], MOVE),
      pool('fresh', ['192.168.20.0/31', 'fd00:20::/126', '192.168.20.9-192.168.20.1'], { spec: { avoidBuggyIPs: true } }),
      pool('nowhere', ['192.168.12.8-192.168.12.9']),
      pool('full', ['192.168.13.1/32']),
      {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'L2Advertisement',
        metadata: { name: 'n' },
        spec: { ipAddressPools: ['nowhere'] },
      },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other' } },
    )
    const { stdout, stderr, exitCode } = await dryRun(path, '-o', form)
    expect(exitCode).toBe(1)
    await expect(`${stdout}--- standard error\n${stderr}`).toMatchFileSnapshot(join(GOLDEN, `pools-dry-run.${form}.txt`))
    expect(cluster.api.requests.filter((line) => !line.startsWith('GET '))).toEqual([])
  })

  test('what is right is said to be right, with exit code 0, and nothing is written', async () => {
    there.pool('demo', ['192.168.9.0/32'])
    there.l2('all')
    for (const key of ['default/a', 'default/b']) there.service(key)
    const said = await dryRun(file(pool('demo', ['192.168.9.0/24'])))
    expect(said).toMatchObject({ exitCode: 0, stderr: '' })
    expect(said.stdout).toBe(
      'SERVICE     WOULD     NOW           THEN          POOL   CODES\n' +
        'default/a   ok keep   192.168.9.0   192.168.9.0   demo   -\n' +
        'default/b   ok gain   -             192.168.9.1   demo   -\n',
    )
  })

  test('a List, and a namespace from -n or the context', async () => {
    there.pool('demo', ['192.168.9.0/32'])
    there.l2('all')
    there.service('default/a', { addresses: ['192.168.9.0'] })
    const bare = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'demo' },
      spec: { addresses: ['192.168.9.9/32'] },
    }
    const list = file({ apiVersion: 'v1', kind: 'List', items: [bare] })
    expect((await dryRun(list, '-n', 'metallb-system')).stderr).toContain('FW0608')
    expect(await dryRun(list)).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('Services of a class are those of a controller of this class', async () => {
    there.l2('all')
    there.service('default/a', { spec: { loadBalancerClass: 'example.com/ours' } })
    const path = file(pool('demo', ['192.168.9.0/32']))
    expect((await dryRun(path)).stderr).toContain('No Service of type LoadBalancer')
    expect((await dryRun(path, '--load-balancer-class', 'example.com/ours')).stdout).toContain('ok gain')
  })

  const POOL = JSON.stringify(pool('demo', ['192.168.9.0/32']))
  test.each([
    ['a file that is empty', '', 'holds no IPAddressPool, L2Advertisement or BGPAdvertisement'],
    ['other objects', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }, '1 objects of other kinds'],
    ['no YAML', 'a: [1', 'is no YAML: '],
    ['no object', 'just words', 'is no object of Kubernetes'],
    ['a list of nothing', { apiVersion: 'v1', kind: 'List', items: [null] }, 'items[0] is no object of Kubernetes'],
    [
      'no name',
      { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata: {} },
      'has a IPAddressPool without metadata.name',
    ],
    ['an old version', POOL.replace('v1beta1', 'v1alpha1'), 'is of metallb.io/v1alpha1: it must be of metallb.io/v1beta1'],
    [
      'a field that is misspelt',
      POOL.replace('"addresses"', '"adresses"'),
      'has a field spec.adresses: spec has addresses, autoAssign',
    ],
    [
      'an allocation that is misspelt',
      pool('p', [], { spec: { serviceAllocation: { priorty: 1 } } }),
      'spec.serviceAllocation.priorty',
    ],
    ['a namespace that is none', POOL.replace('"metallb-system"', '7'), 'metadata.namespace is no text'],
    ['a pool twice', `${POOL}\n---\n${POOL}`, 'IPAddressPool metallb-system/demo is there twice'],
    ['a second document that is wrong', `${POOL}\n---\n[`, 'document 2, is no YAML'],
  ])('%s is refused, with exit code 2', async (_, content, sentence) => {
    expect(await dryRun(file(content))).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(sentence) })
    expect(cluster.api.requests).toEqual([])
  })

  test.each([
    [['-f', '/nowhere.yaml', '--dry-run'], 2, '/nowhere.yaml is not there.'],
    [['-f', '/', '--dry-run'], 2, '/ is a folder, not a file.'],
    [['-f', 'x.yaml'], 2, 'This command shows pools, and writes nothing.'],
    [['--dry-run'], 2, '--dry-run needs the pools to try.'],
    [['--dry-run', '-f', 'x.yaml', '-w'], 2, 'without --watch and --wait'],
  ])('pools %j', async (args, exitCode, sentence) => {
    expect(await cluster.run('pools', ...args)).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(sentence) })
  })

  test('standard input', async () => {
    there.l2('all')
    there.service('default/a')
    const said = cluster.start('pools', '--dry-run', '-f', '-')
    said.type(`${JSON.stringify(pool('demo', ['192.168.9.0/32']))}\n`)
    expect(await said.ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('default/a   ok gain') })
  })
})
