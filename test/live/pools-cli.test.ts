/** `fairway pools` with the lab's API server: what it says before an edit is what the objects come to, and it writes nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certificateFiles } from '../../src/lab/pki.ts'
import { tryRun } from '../../src/linux/run.ts'
import { CRDS } from '../support/crd-cases.ts'
import { freePort, Role, Site } from './apiserver/role.ts'

const dir = mkdtempSync(join(tmpdir(), 'fwt-pools-'))
const KUBECONFIG = join(dir, 'config')

let site: Site
let role: Role
beforeAll(async () => {
  site = await Site.make()
  const port = await freePort()
  role = new Role(site.flags(join(site.dir, 'store'), [`127.0.0.1:${port}`]))
  expect(await role.said).toBe('READY\n')
  const { certificate, key } = certificateFiles(site.pki, 'admin')
  const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': join(site.pki, 'ca.crt') }
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { 'client-certificate': certificate, 'client-key': key } }],
  }
  writeFileSync(KUBECONFIG, JSON.stringify(config))
  await shell(`kubectl apply -f ${CRDS} && kubectl wait --for=condition=established crd --all --timeout=10s`)
  await shell('kubectl create namespace metallb-system')
})
afterAll(async () => {
  await role?.[Symbol.asyncDispose]()
  site?.[Symbol.dispose]()
  rmSync(dir, { recursive: true })
})

function run(script: string, input = '') {
  const env = { KUBECONFIG, HOME: dir, NO_COLOR: '1', PATH: `${resolve('bin')}:${resolve('.tools')}:${process.env.PATH}` }
  return tryRun(['sh', '-ec', script], { input, env })
}

async function shell(script: string, input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await run(script, input)
  if (exitCode !== 0) throw new Error(`${script}\n${stdout}${stderr}exit code ${exitCode}`)
  return stdout
}

interface Fate {
  readonly service: string
  readonly fate: string
  readonly before: { readonly addresses: readonly string[] }
  readonly after: { readonly addresses: readonly string[] }
}

async function dryRun(input: string): Promise<readonly Fate[]> {
  const { stdout } = await run('fairway pools --dry-run -f - -o json', input)
  return (JSON.parse(stdout) as { readonly services: readonly Fate[] }).services
}

const pool = (addresses: string, annotations = '{}') => `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: demo, namespace: metallb-system, annotations: ${annotations}}
spec: {addresses: [${addresses}]}
`
const service = (name: string) => `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}]}
`
const ADVERTISEMENT = 'apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: all, namespace: metallb-system}\n'
const versions = () => shell("kubectl get svc,ipaddresspools,addressclaims -A -o jsonpath='{.items[*].metadata.resourceVersion}'")

/** What a controller does when it gives an address, by hand. */
async function give(name: string, address: string): Promise<void> {
  const claim = { apiVersion: 'fairway.dev/v1alpha1', kind: 'AddressClaim', metadata: { name: address } }
  await shell('kubectl apply -f -', JSON.stringify({ ...claim, spec: { address, pool: 'demo', holders: [`default/${name}`] } }))
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] } } })
  await shell(`kubectl patch service ${name} -n default --subresource=status --type=merge -p '${status}'`)
}

test('from an empty cluster to a pool that is outgrown', async () => {
  expect(await run('fairway pools')).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('No pools.') })
  await shell('kubectl apply -f -', [service('web'), service('late')].join('---\n'))
  expect((await run('fairway pools')).stderr).toContain('FW0609')
  const fates = await dryRun(pool('192.168.9.0/32'))
  expect(fates.map(({ fate }) => fate).toSorted()).toEqual(['gains', 'lacks'])
  await shell('kubectl apply -f -', pool('192.168.9.0-192.168.9.1'))
  await shell('kubectl create -f -', ADVERTISEMENT)
  await give('web', '192.168.9.0')
  await give('late', '192.168.9.1')
  expect(await shell('fairway pools')).toMatch(/^demo +! Full +2 of 2 +0 +- +- +l2\/all$/m)

  const before = await versions()
  expect(await dryRun(pool('192.168.9.1-192.168.9.9'))).toMatchObject([
    { service: 'default/late', fate: 'keeps', after: { addresses: ['192.168.9.1'] } },
    { service: 'default/web', fate: 'keeps', after: { addresses: ['192.168.9.0'] } },
  ])
  expect(await dryRun(pool('192.168.9.1-192.168.9.9', '{fairway.dev/move-addresses: "true"}'))).toMatchObject([
    { service: 'default/late', fate: 'keeps' },
    { service: 'default/web', fate: 'moves', before: { addresses: ['192.168.9.0'] }, after: { addresses: ['192.168.9.2'] } },
  ])
  expect(await versions()).toBe(before)
  await shell('kubectl apply -f -', pool('192.168.9.1-192.168.9.9'))
  expect(await run('fairway pools')).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/^demo +! Outgrown +1 of 9 +8 /m),
    stderr: expect.stringContaining('FW0608 Service default/web keeps 192.168.9.0'),
  })
})

test("kubectl's plugin is the same, and files of several kinds are taken", async () => {
  const plugin = await run('kubectl fairway pools -o json')
  expect(JSON.parse(plugin.stdout)).toMatchObject({ version: 1, pools: [{ pool: 'demo', ipv4: { total: 9 } }] })
  expect(await shell('kubectl __complete fairway poo 2>/dev/null')).toContain('pools')
  const file = join(dir, 'all.yaml')
  writeFileSync(file, `${service('other')}---\n${pool('192.168.9.0/24')}`)
  const said = await run(`fairway pools --dry-run -f ${file}`)
  expect(said).toMatchObject({ exitCode: 0, stderr: 'not looked at: Service/other\n' })
  expect(said.stdout).toContain('(all: 2)')
})
