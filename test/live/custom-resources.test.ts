/** Real kubectl with CustomResourceDefinitions, in the style of MetalLB and of the Gateway API. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { certificateFiles } from '../../src/lab/pki.ts'
import { type RunResult, tryRun } from '../../src/linux/run.ts'
import { freePort, Role, Site } from './apiserver/role.ts'

const KUBECTL = resolve('.tools/kubectl')
const POOL = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: first}
spec:
  addresses: [192.168.9.0/24]
`
const PEER = `apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: tor}
spec: {myASN: 64512, peerASN: 64513, peerAddress: 192.168.0.1}
`
const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  hostnames: [a.example.com]
  rules:
    - backendRefs: [{name: web, port: 80}]
`
const POOLS = 'ipaddresspools.metallb.io'

describe('kubectl and custom resources', () => {
  let site: Site
  let role: Role
  let port = 0
  const connection = (): readonly string[] => {
    const admin = certificateFiles(site.pki, 'admin')
    return [
      ...[`--server=https://127.0.0.1:${port}`, `--certificate-authority=${join(site.pki, 'ca.crt')}`],
      ...[`--client-certificate=${admin.certificate}`, `--client-key=${admin.key}`],
    ]
  }
  const environment = () => ({ HOME: site.dir, KUBECONFIG: '/dev/null' })
  const kubectl = (args: readonly string[], input = ''): Promise<RunResult> =>
    tryRun([KUBECTL, ...connection(), ...args], { input, env: environment() })
  const said = async (args: readonly string[], input = ''): Promise<string> => {
    const { stdout, stderr, exitCode } = await kubectl(args, input)
    return `${stdout}${stderr}${exitCode === 0 ? '' : `exit ${exitCode}`}`.trim()
  }
  const columns = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await said(['get', ...args])).split('\n').map((line) => line.trim().split(/ {2,}/).join('|'))
  const start = async (): Promise<void> => {
    role = new Role(site.flags(join(site.dir, 'store'), [`127.0.0.1:${port}`]))
    expect(await role.said).toBe('READY\n')
  }
  beforeAll(async () => {
    site = await Site.make()
    port = await freePort()
    await start()
  })
  afterAll(async () => {
    await role[Symbol.asyncDispose]()
    site[Symbol.dispose]()
  })

  test('definitions are applied, established, and listed', async () => {
    expect(await said(['apply', '-f', 'test/golden/crds'])).toBe(
      [
        'customresourcedefinition.apiextensions.k8s.io/httproutes.gateway.networking.k8s.io created',
        `customresourcedefinition.apiextensions.k8s.io/${POOLS} created`,
        'customresourcedefinition.apiextensions.k8s.io/bgppeers.metallb.io created',
      ].join('\n'),
    )
    expect(await said(['wait', '--for=condition=established', 'crd', POOLS, '--timeout=10s'])).toBe(
      `customresourcedefinition.apiextensions.k8s.io/${POOLS} condition met`,
    )
    expect(await said(['apply', '-f', 'test/golden/crds'])).toContain(`${POOLS} unchanged`)
    const [head, row] = await columns('crd')
    expect([head, row]).toEqual(['NAME|CREATED AT', expect.stringMatching(/^bgppeers\.metallb\.io\|\d{4}-.*Z$/)])
    expect(await said(['api-resources', '--api-group=metallb.io', '--no-headers', '-o', 'wide'])).toMatch(
      /^bgppeers +peer +metallb\.io\/v1beta2 +true +BGPPeer +delete,deletecollection,get,list,patch,create,update,watch +metallb\n/,
    )
  })

  test('objects are applied, and shown by every name and in every column', async () => {
    expect(await said(['apply', '-f', '-'], `${POOL}---\n${PEER}---\n${ROUTE}`)).toBe(
      [
        'ipaddresspool.metallb.io/first created',
        'bgppeer.metallb.io/tor created',
        'httproute.gateway.networking.k8s.io/web created',
      ].join('\n'),
    )
    expect(await said(['apply', '-f', '-'], `${POOL}---\n${PEER}`)).toBe(
      'ipaddresspool.metallb.io/first unchanged\nbgppeer.metallb.io/tor unchanged',
    )
    const row = 'first|true|false|["192.168.9.0/24"]'
    expect(await columns('ipaddresspool')).toEqual(['NAME|AUTO ASSIGN|AVOID BUGGY IPS|ADDRESSES', row])
    expect((await columns(POOLS, '-o', 'wide'))[0]).toBe('NAME|AUTO ASSIGN|AVOID BUGGY IPS|ADDRESSES|FREE')
    for (const name of ['peer', 'bgppeers', 'bgppeer/tor', 'metallb', 'bgppeers.v1beta2.metallb.io'])
      expect(await columns(name), name).toEqual(['NAME|ADDRESS|ASN|BFD PROFILE|MULTI HOPS', 'tor|192.168.0.1|64513'])
    expect((await columns('httproutes'))[1]).toMatch(/^web\|\["a.example.com"\]\|\d+s$/)
    expect(await columns('peer', '--field-selector=spec.peerAddress=192.168.0.2')).toEqual([
      'No resources found in default namespace.',
    ])
    const route = JSON.parse(await said(['get', 'httproute', 'web', '-o', 'json']))
    expect(route.spec.rules).toEqual([{ backendRefs: [{ kind: 'Service', name: 'web', port: 80, weight: 1 }] }])
  })

  test('an older version is answered in its own name, with its warning', async () => {
    const { stdout, stderr } = await kubectl(['get', 'bgppeers.v1beta1.metallb.io', 'tor', '-o', 'jsonpath={.apiVersion}'])
    expect([stdout, stderr.trim()]).toEqual(['metallb.io/v1beta1', 'Warning: v1beta1 is deprecated, please use v1beta2'])
  })

  test('explain knows the fields', async () => {
    const text = await said(['explain', 'ipaddresspool.spec.addresses'])
    expect(text).toContain('FIELD: addresses <[]string>')
    expect(text).toContain('A list of IP address ranges over which the pool has authority.')
  })

  test('mistakes get the real words', async () => {
    const pool = (spec: string): string => `${POOL.slice(0, POOL.indexOf('spec:'))}spec: ${spec}`.replace('first', 'wrong')
    expect(await said(['create', '-f', '-'], pool('{addresses: [], typo: 1}'))).toContain(
      'IPAddressPool in version "v1beta1" cannot be handled as a IPAddressPool: strict decoding error: unknown field "spec.typo"',
    )
    expect(await said(['create', '-f', '-'], pool('{autoAssign: yes-please}'))).toBe(
      [
        'The IPAddressPool "wrong" is invalid: ',
        '* spec.autoAssign: Invalid value: "string": spec.autoAssign in body must be of type boolean: "string"',
        '* spec.addresses: Required value',
        'exit 1',
      ].join('\n'),
    )
    expect(await said(['apply', '-f', '-'], ROUTE.replace(', port: 80', ''))).toContain(
      'spec.rules[0].backendRefs[0]: Invalid value: "object": Must have port for Service reference',
    )
    expect(await said(['patch', POOLS, 'first', '-p', '{"spec":{"autoAssign":false}}'])).toContain(
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    )
    expect(await said(['get', POOLS, '--field-selector=spec.x=1'])).toContain('field label not supported: spec.x')
    const { spec } = JSON.parse(await said(['get', 'crd', POOLS, '-o', 'json']))
    const twice = { spec: { versions: [spec.versions[0], { ...spec.versions[0], name: 'v2' }] } }
    expect(await said(['patch', 'crd', POOLS, '--type=merge', '-p', JSON.stringify(twice)])).toContain(
      'must have exactly one version marked as storage version',
    )
  })

  test('patches, status, and server-side apply with its conflicts', async () => {
    expect(await said(['patch', POOLS, 'first', '--type=merge', '-p', '{"spec":{"autoAssign":false}}'])).toBe(
      'ipaddresspool.metallb.io/first patched',
    )
    const status = '{"status":{"assignedIPv4":1,"availableIPv4":5},"spec":{"autoAssign":true}}'
    expect(await said(['patch', POOLS, 'first', '--subresource=status', '--type=merge', '-p', status])).toContain('patched')
    expect((await columns(POOLS, '-o', 'wide'))[1]).toBe('first|false|false|["192.168.9.0/24"]|5')
    const apply = (manager: string, text: string, ...flags: readonly string[]): Promise<string> =>
      said(['apply', '--server-side', `--field-manager=${manager}`, ...flags, '-f', '-'], text)
    const own = `${POOL}  autoAssign: true\n`.replace('first', 'shared')
    expect(await apply('one', own)).toBe('ipaddresspool.metallb.io/shared serverside-applied')
    const other = own.replace('autoAssign: true', 'autoAssign: false')
    expect(await apply('two', other)).toContain('Apply failed with 1 conflict: conflict with "one": .spec.autoAssign')
    expect(await apply('two', other, '--force-conflicts')).toContain('serverside-applied')
  })

  test('a killed server serves the same kinds when it is back', async () => {
    role.child.kill('SIGKILL')
    await role.exit
    await start()
    expect(await columns('peer')).toHaveLength(2)
    expect(await said(['delete', 'peer', 'tor'])).toBe('bgppeer.metallb.io "tor" deleted from default namespace')
  })

  test('a deleted definition takes its objects along, and watchers see them go', async () => {
    const watch = spawn(KUBECTL, [...connection(), 'get', POOLS, '--watch', '--output-watch-events', '--no-headers'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let seen = ''
    const ended = new Promise((resolve) => watch.once('close', resolve))
    watch.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text
      watch.emit('told')
    })
    const told = async (word: string): Promise<void> => {
      while (!seen.includes(word)) await once(watch, 'told')
    }
    onTestFinished(() => {
      watch.kill()
    })
    await told('shared')
    expect(await said(['label', POOLS, 'first', 'a=b'])).toContain('labeled')
    await told('MODIFIED') // so the watch is open, and not only the list there
    expect(await said(['delete', 'crd', POOLS])).toContain(`"${POOLS}" deleted`)
    await ended
    expect(seen.split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual([
      'ADDED first',
      'ADDED shared',
      'MODIFIED first',
      'DELETED first',
      'DELETED shared',
      '',
    ])
    expect(await said(['get', 'ipaddresspools'])).toContain('the server could not find the requested resource')
    expect(await said(['get', 'crd', POOLS])).toContain('not found')
  })
})
