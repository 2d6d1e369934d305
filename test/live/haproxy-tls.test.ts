/** TLS at a real HAProxy: which certificate is shown, rotation, certificates of clients, and TLS that goes through. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CertificateSecret, Ingress } from '../../src/model/ingress.ts'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngress, anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'
import { type Made, makeCertificate } from '../support/openssl.ts'

const rig = new HaproxyRig('tls', { defaultCertificate: 'default/fallback' })
const secrets = new Map<string, CertificateSecret>()
const ingresses = new Map<string, Ingress>()
const given = anIngressWorld({ services: [served('web', '10.8.0.1'), served('own', '10.8.0.2')], secrets })
const services = new Map(given.services)
const endpointSlices = new Map(given.endpointSlices)
const world = { ...given, ingresses, services, endpointSlices }
const reloads = () => [...rig.engine.counters.reloads.values()].reduce((sum, one) => sum + one, 0)

let [first, second, authority]: readonly (Made | undefined)[] = []

function secret(name: string, made: Made | undefined, part: Partial<CertificateSecret> = {}): Promise<void> {
  const { chain = '', privateKey = '' } = made ?? {}
  secrets.set(`default/${name}`, { key: `default/${name}`, chain, privateKey, problem: '', ...part })
  return rig.serve(world, [{ kind: 'secret', key: `default/${name}` }])
}

function add(ingress: Ingress): Promise<void> {
  ingresses.set(ingress.key, ingress)
  return rig.serve(world, [{ kind: 'ingress', key: ingress.key }])
}

const overTls = (host: string, name: string, service = 'web') => ({
  rules: [{ host, paths: [aPath('/', service)] }],
  tls: [{ hosts: [host], secret: `default/${name}` }],
})

/** The common name of what a client that asks for a host is shown; '' when it is refused. */
async function shown(host: string): Promise<string> {
  const said = await rig.curl('-k', '-v', '--stderr', '-', '--resolve', `${host}:443:127.0.0.1`, `https://${host}/`)
  return /subject: CN=(\S+)/.exec(said)?.[1] ?? ''
}

const ask = (host: string, ...flags: readonly string[]) =>
  rig.curl('-k', '-w', ' %{http_code}', '--resolve', `${host}:443:127.0.0.1`, ...flags, `https://${host}/`)

function pemFiles(name: string, { chain, privateKey }: Made): readonly string[] {
  const [certificate, key] = [join(rig.dir, `${name}.crt`), join(rig.dir, `${name}.key`)]
  writeFileSync(certificate, chain)
  writeFileSync(key, privateKey)
  return ['--cert', certificate, '--key', key]
}

beforeAll(async () => {
  ;[first, second, authority] = await Promise.all([
    makeCertificate(['first.test']),
    makeCertificate(['second.test']),
    makeCertificate(['authority']),
  ])
  await rig.up()
  await rig.backends(world)
  ingresses.set('default/a', anIngress('a', overTls('a.test', 'a')))
  await secret('a', first)
})
afterAll(() => rig.down())

test('a host is shown its own certificate, and what has none is refused', async () => {
  expect(await shown('a.test')).toBe('first.test')
  expect(await ask('a.test')).toBe('web 200')
  expect(await shown('b.test')).toBe('')
  expect(await ask('a.test', '--http2', '-w', ' %{http_version}')).toContain('web 2')
})

test('a rotated Secret is shown at once, and a new host: no reload', async () => {
  const before = reloads()
  await secret('a', second)
  expect(await shown('a.test')).toBe('second.test')
  await secret('b', first)
  await add(anIngress('b', overTls('b.test', 'b')))
  expect(await shown('b.test')).toBe('first.test')
  ingresses.delete('default/b')
  await rig.serve(world, [{ kind: 'ingress', key: 'default/b' }])
  expect(await shown('b.test')).toBe('')
  expect(reloads()).toBe(before)
})

test('a certificate that HAProxy refuses: the last good one is still shown, and all else goes on', async () => {
  await secret('a', await makeCertificate(['weak.test'], { key: 'rsa:1024' }))
  expect(await shown('a.test')).toBe('second.test')
  expect(rig.engine.findings.map(({ code }) => code.name)).toEqual(['HAPROXY_CERTIFICATE_REFUSED'])
  await add(anIngress('c', { rules: [{ host: 'c.test', paths: [aPath('/', 'own')] }] }))
  expect(await rig.answerTo('c.test', '/')).toBe('own')
  await secret('a', first)
  expect(await shown('a.test')).toBe('first.test')
  expect(rig.engine.findings).toEqual([])
})

test('a wildcard certificate is for one label', async () => {
  await secret('wild', await makeCertificate(['*.wild.test']))
  await add(anIngress('wild', overTls('*.wild.test', 'wild')))
  expect(await shown('x.wild.test')).toBe('*.wild.test')
  expect(await shown('x.y.wild.test')).toBe('')
})

test('what has no certificate is shown the default one once there is one', async () => {
  await secret('fallback', await makeCertificate(['fallback.test']))
  expect(await shown('b.test')).toBe('fallback.test')
  expect(await shown('a.test')).toBe('first.test')
  await secret('fallback', await makeCertificate(['other-fallback.test']))
  expect(await shown('b.test')).toBe('other-fallback.test')
})

test('clients show a certificate that the Secret’s authority has signed', async () => {
  if (authority === undefined) throw new Error('no authority')
  await secret('clients', undefined, { authority: authority.chain, problem: 'no certificate' })
  const said = { 'auth-tls-secret': 'default/clients', 'auth-tls-verify-client': 'on' }
  await secret('m', first)
  await add(anNginxIngress('m', said, overTls('m.test', 'm')))
  const [good, bad] = [await makeCertificate(['client'], { authority }), await makeCertificate(['stranger'])]
  expect(await ask('m.test')).toContain(' 400')
  expect(await ask('m.test', ...pemFiles('bad', bad))).toMatch(/ 40[03]$/)
  expect(await ask('m.test', ...pemFiles('good', good))).toBe('web 200')
  expect(await ask('a.test')).toBe('web 200')
})

test('TLS goes through to a server that ends it itself, and other hosts are served as before', async () => {
  const made = await makeCertificate(['through.test'])
  const pem = join(rig.dir, 'through.pem')
  writeFileSync(pem, `${made.chain}${made.privateKey}`)
  const config = join(rig.dir, 'through.cfg')
  const answer = 'http-request return status 200 content-type text/plain string through'
  writeFileSync(
    config,
    `defaults\n  mode http\n  timeout client 5s\nfrontend f\n  bind 10.8.0.3:8080 ssl crt ${pem}\n  ${answer}\n`,
  )
  await rig.address('10.8.0.3')
  rig.start(['haproxy', '-db', '-f', config])
  const through = served('through', '10.8.0.3')
  services.set(through.service.key, through.service)
  endpointSlices.set(through.slice.key, through.slice)
  await rig.serve(world, [
    { kind: 'service', key: through.service.key },
    { kind: 'endpointSlice', key: through.slice.key },
  ])
  const rules = [{ host: 'through.test', paths: [aPath('/', 'through')] }]
  await add(anNginxIngress('through', { 'ssl-passthrough': 'true' }, { rules }))
  await expect.poll(() => shown('through.test'), { timeout: 5_000 }).toBe('through.test')
  expect(await ask('through.test')).toBe('through 200')
  expect(await shown('a.test')).toBe('first.test')
  expect(await ask('a.test')).toBe('web 200')
})
