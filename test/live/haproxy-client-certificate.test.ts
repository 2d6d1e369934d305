/** What certificates of clients protect, at a real HAProxy, and what servers are told of them. */
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CertificateSecret } from '../../src/model/ingress.ts'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'
import { type Made, makeCertificate } from '../support/openssl.ts'
import { until } from '../support/until.ts'

const rig = new HaproxyRig('clients')
const SAID = { 'auth-tls-secret': 'signers', 'ssl-redirect': 'false' }
let client: Made = { chain: '', privateKey: '' }
let other: Made = client

const flags = (name: string) => ['--cert', join(rig.dir, `${name}.crt`), '--key', join(rig.dir, `${name}.key`)]

/** Status and what the server got, line by line. */
async function ask(url: string, ...more: readonly string[]): Promise<readonly string[]> {
  const { hostname } = new URL(url)
  const resolve = ['80', '443'].flatMap((port) => ['--resolve', `${hostname}:${port}:127.0.0.1`])
  const text = await rig.curl('-k', '--http1.1', '-w', '\\n%{http_code}', ...resolve, ...more, url)
  return text.split(/\n|%0D%0A/i).map((line) => line.trim())
}

const status = async (url: string, ...more: readonly string[]) => (await ask(url, ...more)).at(-1)

beforeAll(async () => {
  await rig.up()
  const authority = await makeCertificate(['signers'])
  ;[client, other] = await Promise.all([makeCertificate(['client'], { authority }), makeCertificate(['other'], { authority })])
  for (const [name, made] of Object.entries({ client, other })) {
    writeFileSync(join(rig.dir, `${name}.crt`), made.chain)
    writeFileSync(join(rig.dir, `${name}.key`), made.privateKey)
  }
  const host = await makeCertificate(['hosts'])
  const secrets = new Map<string, CertificateSecret>([
    ['default/hosts', { key: 'default/hosts', ...host, problem: '' }],
    ['default/signers', { key: 'default/signers', chain: '', privateKey: '', problem: 'no', authority: authority.chain }],
  ])
  const of = (name: string) => ({
    rules: [{ host: `${name}.test`, paths: [aPath('/', 'web')] }],
    tls: [{ hosts: [`${name}.test`], secret: 'default/hosts' }],
  })
  const ingresses = [
    anNginxIngress('asks', { ...SAID, 'auth-tls-pass-certificate-to-upstream': 'true' }, of('asks')),
    anNginxIngress('named', { ...SAID, 'auth-tls-match-cn': 'CN=^client$' }, of('named')),
    anNginxIngress('may', { ...SAID, 'auth-tls-verify-client': 'optional' }, of('may')),
    anNginxIngress('open', { 'ssl-redirect': 'false' }, of('open')),
  ]
  const web = served('web', '10.9.2.1')
  await rig.address('10.9.2.1')
  const echo = 'http-request return status 200 content-type text/plain lf-string "%[req.hdrs]"'
  const config = join(rig.dir, 'echo.cfg')
  writeFileSync(config, `defaults\n  mode http\n  timeout client 5s\nfrontend f\n  bind 10.9.2.1:8080\n  ${echo}\n`)
  rig.start(['haproxy', '-db', '-f', config])
  await rig.serve(anIngressWorld({ ingresses, services: [web], secrets }))
  await until(
    () => status('https://open.test/'),
    (one) => one === '200',
  )
})
afterAll(() => rig.down())

test.each([
  ['https://asks.test/', [], '400'],
  ['https://asks.test/', ['client'], '200'],
  ['http://asks.test/', [], '403'],
  ['https://named.test/', ['client'], '200'],
  ['https://named.test/', ['other'], '403'],
  ['https://may.test/', [], '200'],
  ['https://may.test/', ['client'], '200'],
  ['https://open.test/', [], '200'],
])('%s with %j: %s', async (url, names, expected) => {
  expect(await status(url, ...names.flatMap(flags))).toBe(expected)
})

test('a connection that was opened for another host is no way in', async () => {
  expect(await status('https://open.test/', '-H', 'Host: asks.test', ...flags('client'))).toBe('421')
  expect(await status('https://may.test/', '-H', 'Host: named.test', ...flags('client'))).toBe('421')
})

test('servers are told of the client, and by nobody else', async () => {
  const told = await ask('https://asks.test/', ...flags('client'), '-H', 'ssl-client-subject-dn: CN=root')
  expect(told).toContain('ssl-client-verify: SUCCESS')
  expect(told.filter((line) => line.startsWith('ssl-client-subject-dn'))).toEqual(['ssl-client-subject-dn: CN=client'])
  expect(told).toContain('ssl-client-issuer-dn: CN=signers')
  expect(await ask('https://may.test/', '-H', 'ssl-client-verify: SUCCESS')).toContain('ssl-client-verify: NONE')
})

test('servers are told of the certificate itself, as PEM', async () => {
  const text = await rig.curl('-k', '--resolve', 'asks.test:443:127.0.0.1', ...flags('client'), 'https://asks.test/')
  // what tells the headers here encodes them once more
  const written = /ssl-client-cert: (.*?)(%0d%0a|$)/i.exec(text)?.[1] ?? ''
  const pem = decodeURIComponent(written.includes('%25') ? decodeURIComponent(written) : written)
  expect(new X509Certificate(pem).fingerprint256).toBe(new X509Certificate(client.chain).fingerprint256)
})
