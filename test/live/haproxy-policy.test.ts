/** Annotations of ingress-nginx, each seen over HTTP through a real HAProxy, by a server that tells what it got. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import type { CertificateSecret, Ingress } from '../../src/model/ingress.ts'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'
import { until } from '../support/until.ts'

const rig = new HaproxyRig('policy')
const SERVICES = [served('web', '10.9.0.1'), served('next', '10.9.0.2'), served('silent', '10.9.0.3')]
/** Of the password `secret`: openssl passwd -6 -salt salt. */
const HASH = '$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00'

type Said = Readonly<Record<string, string>>
const SECRETS: readonly CertificateSecret[] = [
  {
    ...{ key: 'default/users', chain: '', privateKey: '', problem: 'no' },
    passwords: {
      file: [
        { name: 'jane', hash: HASH },
        { name: 'apache', hash: '$apr1$a$b' },
      ],
      map: [],
    },
  },
]

/** A host of its own, so that all of them are there at once. */
function ingress(name: string, said: Said, ...paths: readonly ReturnType<typeof aPath>[]): Ingress {
  const all = paths.length === 0 ? [aPath('/', 'web')] : paths
  return anNginxIngress(name, said, { rules: [{ host: `${name}.test`, paths: all }] })
}

const expression = (text: string) => ({ text, backend: { service: 'default/web', port: 80 } })

interface Answer {
  readonly status: number
  /** In lower case. */
  readonly headers: readonly string[]
  readonly body: string
}

async function ask(name: string, path: string, ...flags: readonly string[]): Promise<Answer> {
  const text = await rig.curl('-i', '--http1.1', '--path-as-is', '-H', `Host: ${name}`, ...flags, `http://127.0.0.1${path}`)
  const [head = '', ...body] = text.replace(/^HTTP\/1.1 100[^\n]*\r\n\r\n/, '').split('\r\n\r\n')
  const [first = '', ...headers] = head.split('\r\n')
  return { status: Number(first.split(' ')[1] ?? 0), headers: headers.map((one) => one.toLowerCase()), body: body.join('\n') }
}

/** Method and target that a server got, or a status. */
async function target(name: string, path: string, ...flags: readonly string[]): Promise<string> {
  const { status, body } = await ask(name, path, ...flags)
  return status === 200 ? (body.split('\n')[1] ?? '') : String(status)
}

async function gotHeaders(name: string, ...flags: readonly string[]): Promise<readonly string[]> {
  return (await ask(name, '/', ...flags)).body.split(/\n|%0D%0A/i).map((line) => line.toLowerCase())
}

async function server(name: string, address: string, answer: string): Promise<void> {
  await run(inNetns(rig.netns, ['ip', 'address', 'replace', `${address}/32`, 'dev', 'lo']))
  const config = join(rig.dir, `${name}.cfg`)
  const front = `frontend f\n  bind ${address}:8080\n  ${answer}\n`
  writeFileSync(config, `defaults\n  mode http\n  timeout client 9s\n  timeout http-request 9s\n${front}`)
  rig.start(['haproxy', '-db', '-f', config])
}

const echo = (name: string) =>
  `http-request return status 200 content-type text/plain hdr X-Server ${name} lf-string "${name}\\n%HM %[pathq]\\n%[req.hdrs]"`

const INGRESSES = [
  ingress('vhost', { 'upstream-vhost': 'inner.example' }),
  ingress('prefixed', { 'x-forwarded-prefix': '/app' }),
  ingress('body', { 'proxy-body-size': '1k' }),
  ingress('full', { 'rewrite-target': '/only' }, aPath('/', 'web')),
  ingress('groups', { 'rewrite-target': '/v1/$2' }, expression('/something(/|$)(.*)')),
  ingress('climb', { 'rewrite-target': '/$1' }, expression('/api(.*)')),
  ingress('regex', { 'use-regex': 'true' }, expression('/item/\\d+$'), expression('/[a-z]{3}$')),
  ingress('slow', { 'proxy-read-timeout': '1' }, aPath('/', 'silent')),
  ingress('never', { 'proxy-connect-timeout': '1', 'proxy-next-upstream': 'off' }),
  ingress('again', { 'proxy-next-upstream': 'error timeout http_502', 'proxy-next-upstream-tries': '2', 'load-balance': 'ewma' }),
  ingress('rate', { 'limit-rps': '1', 'limit-burst-multiplier': '3' }, aPath('/', 'web'), aPath('/other', 'next')),
  ingress('exempt', { 'limit-rps': '1', 'limit-burst-multiplier': '1', 'limit-whitelist': '127.0.0.0/8' }),
  ingress('allowed', { 'whitelist-source-range': '10.0.0.0/8,127.0.0.0/8' }),
  ingress('refused', { 'whitelist-source-range': '10.0.0.0/8' }),
  ingress('denied', { 'denylist-source-range': '127.0.0.1' }),
  ingress('many', { 'whitelist-source-range': Array.from({ length: 200 }, (_, at) => `10.0.${at}.0/24`).join(',') }),
  ingress('sticky', {
    affinity: 'cookie',
    'session-cookie-name': 'route',
    'session-cookie-max-age': '60',
    'session-cookie-samesite': 'Lax',
  }),
  ingress('cors', {
    'enable-cors': 'true',
    'cors-allow-origin': 'https://a.example, https://*.b.example',
    'cors-expose-headers': 'X-A',
  }),
  ingress('anyone', { 'enable-cors': 'true' }),
  ingress('basic', { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': "Jane's place" }),
  ingress('lost', { 'auth-type': 'basic', 'auth-secret': 'gone' }),
  ingress('moved', { 'permanent-redirect': 'https://new.example/x?y=%20z' }),
  ingress('kept', { 'temporal-redirect': 'https://new.example:8443$request_uri' }),
  ingress('guarded', { 'denylist-source-range': '127.0.0.0/8' }, aPath('/admin', 'web')),
  anNginxIngress('open', {}, { rules: [{ host: 'guarded.test', paths: [aPath('/', 'next')] }] }),
  ingress('root', { 'app-root': '/app' }),
  ingress('tls', { 'force-ssl-redirect': 'true' }),
  ingress('hashed', { 'upstream-hash-by': '$http_x_user' }),
  anNginxIngress('canary-main', {}, { rules: [{ host: 'canary.test', paths: [aPath('/', 'web')] }] }),
  anNginxIngress(
    'canary-next',
    { canary: 'true', 'canary-by-header': 'X-Next', 'canary-by-cookie': 'next', 'canary-weight': '25' },
    { rules: [{ host: 'canary.test', paths: [aPath('/', 'next')] }] },
  ),
  ingress('plain', {}, aPath('/', 'web'), aPath('/next', 'next')),
]

beforeAll(async () => {
  await rig.up()
  await server('web', '10.9.0.1', echo('web'))
  await server('next', '10.9.0.2', echo('next'))
  await run(inNetns(rig.netns, ['ip', 'address', 'replace', '10.9.0.3/32', 'dev', 'lo']))
  const silent = "require('node:net').createServer(() => {}).listen(8080, '10.9.0.3')"
  rig.start([process.execPath, '-e', silent])
  const secrets = new Map(SECRETS.map((one) => [one.key, one]))
  await rig.serve(anIngressWorld({ ingresses: INGRESSES, services: SERVICES, secrets }))
  for (const path of ['/', '/next'])
    await until(
      () => target('plain.test', path),
      (answer) => answer === `GET ${path}`,
    )
})
afterAll(() => rig.down())

test('HAProxy takes every policy', () => {
  expect(rig.engine.findings.map(({ message }) => message)).toEqual([])
})

describe('what servers are asked', () => {
  test.each([
    ['full.test', '/a/b?q=1', 'GET /only?q=1'],
    ['groups.test', '/something/a/b?q=1', 'GET /v1/a/b?q=1'],
    ['groups.test', '/SOMETHING', 'GET /v1/'],
    ['groups.test', '/somethings', '404'],
    ['climb.test', '/api/x', 'GET //x'],
    ['climb.test', '/api../secret', '400'],
    ['climb.test', '/api/%2e%2e/secret', '400'],
    ['regex.test', '/item/12', 'GET /item/12'],
    ['regex.test', '/item/x', '404'],
    ['regex.test', '/ABC', 'GET /ABC'],
    ['regex.test', '/abcd', '404'],
  ])('%s %s: %s', async (name, path, asked) => {
    expect(await target(name, path)).toBe(asked)
  })

  test('another host', async () => {
    expect(await gotHeaders('vhost.test')).toContain('host: inner.example')
  })

  test('a prefix that they are told of', async () => {
    expect(await gotHeaders('prefixed.test', '-H', 'X-Forwarded-Prefix: /lie')).toContain('x-forwarded-prefix: /app')
  })
})

describe('limits', () => {
  test('bodies that are longer', async () => {
    expect(await target('body.test', '/', '-d', 'x'.repeat(1_024))).toBe('POST /')
    expect(await target('body.test', '/', '-d', 'x'.repeat(1_025))).toBe('413')
  })

  test('servers that do not answer in time', async () => {
    expect(await target('slow.test', '/')).toBe('504')
  })

  test('so many requests at once of one address, over all paths of the Ingress', async () => {
    const first = await Promise.all(['/', '/other', '/', '/other', '/', '/'].map((path) => target('rate.test', path)))
    expect(first.filter((one) => one === '503').length).toBeGreaterThan(1)
    expect(await target('rate.test', '/other')).toBe('503')
    // it goes on as time goes by
    await expect.poll(() => target('rate.test', '/'), { timeout: 10_000, interval: 300 }).toBe('GET /')
  })

  test('nobody of an exempt range', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () => target('exempt.test', '/')))
    expect(new Set(all)).toEqual(new Set(['GET /']))
  })
})

describe('who may ask', () => {
  test.each([
    ['allowed.test', 'GET /'],
    ['refused.test', '403'],
    ['denied.test', '403'],
    ['many.test', '403'],
    ['basic.test', '401'],
    ['lost.test', '503'],
  ])('%s: %s', async (name, answer) => {
    expect(await target(name, '/')).toBe(answer)
  })

  test('those with a password', async () => {
    expect((await ask('basic.test', '/')).headers).toContain(`www-authenticate: basic realm="jane's place"`)
    expect(await target('basic.test', '/', '-u', 'jane:secret')).toBe('GET /')
    expect(await target('basic.test', '/', '-u', 'jane:other')).toBe('401')
    expect(await target('basic.test', '/', '-u', 'apache:secret')).toBe('401')
  })
})

describe('a path that is written otherwise', () => {
  test.each([
    ['/x', 'GET /x'],
    ['/x//y%20z', 'GET /x//y%20z'],
    ['/x/.well-known/y', 'GET /x/.well-known/y'],
    ['/admin', '403'],
    ['//admin', '403'],
    ['/%61dmin', '403'],
    ['/%61dmin%2Fx', '403'],
    ['/x/../admin', '400'],
    ['/x/%2e%2E/admin', '400'],
    ['/x%2F..%2fadmin', '400'],
    ['/x/.', '400'],
    ['/admin%00', '400'],
  ])('%s: %s', async (path, answer) => {
    expect(await target('guarded.test', path)).toBe(answer)
  })
})

test.each(['!', 'a!b', 'a b'])('the host %s is none', async (name) => {
  expect(await target(name, '/')).toBe('400')
})

describe('elsewhere', () => {
  test.each([
    ['moved.test', '/a?b=c', 301, 'https://new.example/x?y=%20z'],
    ['kept.test', '/a?b=c', 302, 'https://new.example:8443/a?b=c'],
    ['root.test', '/', 302, 'http://root.test/app'],
    ['tls.test', '/a?b=c', 308, 'https://tls.test/a?b=c'],
  ])('%s%s: %s %s', async (name, path, status, location) => {
    const answer = await ask(name, path)
    expect(answer.status).toBe(status)
    expect(answer.headers).toContain(`location: ${location}`)
  })

  test('only the root is', async () => {
    expect(await target('root.test', '/app')).toBe('GET /app')
  })
})

test('a cookie leads to the same server', async () => {
  const { headers } = await ask('sticky.test', '/')
  const cookie = headers.find((one) => one.startsWith('set-cookie: '))
  expect(cookie).toMatch(/^set-cookie: route=[0-9a-f]{16}; path=\/; httponly; path=\/; max-age=60; samesite=lax$/)
  const value = /route=([0-9a-f]+)/.exec(cookie ?? '')?.[1] ?? ''
  expect((await ask('sticky.test', '/', '-b', `route=${value}`)).headers.filter((one) => one.startsWith('set-cookie'))).toEqual(
    [],
  )
})

describe('a canary', () => {
  test.each([
    [['-H', 'X-Next: always'], 'next'],
    [['-H', 'X-Next: never'], 'web'],
    [['-b', 'next=always'], 'next'],
    [['-b', 'other=1; next=never'], 'web'],
    [['-b', 'next=always', '-H', 'X-Next: never'], 'web'],
  ])('of a request with %j is asked as it says: %s', async (flags, name) => {
    expect((await ask('canary.test', '/', ...flags)).body.split('\n')[0]).toBe(name)
  })

  test('has its share of the others', async () => {
    const names = await Promise.all(Array.from({ length: 60 }, async () => (await ask('canary.test', '/')).body.split('\n')[0]))
    const share = names.filter((name) => name === 'next').length
    expect(share).toBeGreaterThanOrEqual(13)
    expect(share).toBeLessThanOrEqual(17)
  })
})

describe('requests across origins', () => {
  const origin = (value: string) => ['-H', `Origin: ${value}`]

  test('are answered beforehand', async () => {
    const { status, headers } = await ask('cors.test', '/', '-X', 'OPTIONS', ...origin('https://a.example'))
    expect(status).toBe(204)
    expect(headers).toEqual(
      expect.arrayContaining([
        'access-control-allow-origin: https://a.example',
        'access-control-allow-credentials: true',
        'access-control-allow-methods: get, put, post, delete, patch, options',
        'access-control-max-age: 1728000',
        'vary: origin',
      ]),
    )
  })

  test.each([
    ['cors.test', 'https://a.example', 'https://a.example'],
    ['cors.test', 'https://x.b.example', 'https://x.b.example'],
    ['cors.test', 'https://x.y.b.example', ''],
    ['cors.test', 'https://a.example.evil', ''],
    ['anyone.test', 'https://evil.example', '*'],
  ])('%s from %s may be read by %s', async (name, from, allowed) => {
    const { headers } = await ask(name, '/', ...origin(from))
    const [found = ''] = headers.flatMap((one) => one.split('access-control-allow-origin: ')[1] ?? [])
    expect(found).toBe(allowed)
  })
})
