/** Who may pass by the word of another server: seen over HTTP through a real HAProxy, by servers that tell what they got. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'
import { until } from '../support/until.ts'

const rig = new HaproxyRig('auth')
const SERVICES = [served('web', '10.9.0.1')]
const AUTH = 'http://10.9.0.9:8080'

type Said = Readonly<Record<string, string>>
const ingress = (name: string, said: Said) =>
  anNginxIngress(name, said, { rules: [{ host: `${name}.test`, paths: [aPath('/', 'web')] }] })
const INGRESSES = [
  ingress('passed', { 'auth-url': `${AUTH}/pass?a=b`, 'auth-response-headers': 'X-User,X-Mail,X-Seen' }),
  ingress('posted', {
    'auth-url': `${AUTH}/pass`,
    'auth-method': 'POST',
    'auth-response-headers': 'X-Seen',
    'auth-request-redirect': '/back',
  }),
  ingress('named', { 'auth-url': 'http://auth.shop.svc:8080/pass' }),
  ingress('asked', { 'auth-url': `${AUTH}/401` }),
  ingress('sent', { 'auth-url': `${AUTH}/401`, 'auth-signin': 'https://$host/in?a=b', 'auth-always-set-cookie': 'true' }),
  ingress('forbidden', { 'auth-url': `${AUTH}/403`, 'auth-signin': 'https://sign.in/' }),
  ingress('moved', { 'auth-url': `${AUTH}/302` }),
  ingress('broken', { 'auth-url': `${AUTH}/503` }),
  ingress('dead', { 'auth-url': 'http://10.9.0.9:9/', 'proxy-connect-timeout': '1' }),
  ingress('slow', { 'auth-url': 'http://10.9.0.9:8081/', 'proxy-read-timeout': '1' }),
  ingress('garbage', { 'auth-url': 'http://10.9.0.9:8082/' }),
  ingress('unknown', { 'auth-url': 'http://no.such.example/' }),
  ingress('untrusted', { 'auth-url': 'https://10.9.0.9:8080/pass' }),
  ingress('circle', { 'auth-url': 'http://127.0.0.1/' }),
  // the gateway itself, for any host
  anNginxIngress('any', { 'auth-url': 'http://127.0.0.1/' }, { rules: [{ host: '127.0.0.1', paths: [aPath('/', 'web')] }] }),
]

interface Answer {
  readonly status: number
  /** In lower case. */
  readonly head: string
  /** What the server got, in lower case. */
  readonly got: string
}

async function ask(name: string, path = '/', ...flags: readonly string[]): Promise<Answer> {
  const text = await rig.curl(
    '-i',
    '--http1.1',
    '--path-as-is',
    '-g',
    '-H',
    `Host: ${name}.test`,
    ...flags,
    `http://127.0.0.1${path}`,
  )
  const [head = '', ...body] = text.split('\r\n\r\n')
  return {
    status: Number(head.split(' ')[1] ?? 0),
    head: head.toLowerCase(),
    got: body.join('\n').replaceAll('%0D%0A', '\n').toLowerCase(),
  }
}

/** A server that is HAProxy itself: each line is a statement of its only frontend. */
function server(name: string, address: string, ...lines: readonly string[]): void {
  const front = ['frontend f', `bind ${address}:8080`, ...lines]
  const file = join(rig.dir, `${name}.cfg`)
  writeFileSync(file, `defaults\n  mode http\n  timeout client 9s\n  timeout http-request 9s\n${front.join('\n  ')}\n`)
  rig.start(['haproxy', '-db', '-f', file])
}

const SEEN = [
  ...['method', 'req.body_len', 'req.hdr(host)', 'req.hdr(x-original-method)', 'req.hdr(x-original-url)'],
  ...['req.hdr(x-auth-request-redirect)', 'req.hdr(x-sent-from)', 'req.hdr(cookie)', 'req.hdr_cnt(x-fairway-section)', 'pathq'],
]

beforeAll(async () => {
  rig.records = join(rig.dir, 'records')
  writeFileSync(rig.records, 'auth.shop.svc.cluster.local 10.9.0.9\n')
  await rig.up()
  for (const address of ['10.9.0.1', '10.9.0.9']) await rig.address(address)
  server('web', '10.9.0.1', 'http-request return status 200 content-type text/plain lf-string "%HM %[pathq]\\n%[req.hdrs]"')
  const seen = SEEN.map((fetch) => `%[${fetch}]`).join('|')
  server(
    'auth',
    '10.9.0.9',
    `http-request return status 200 hdr X-User jane hdr X-Seen "${seen}" hdr Set-Cookie a=1 hdr Set-Cookie b=2 if { path /pass }`,
    'http-request return status 401 hdr WWW-Authenticate "Bearer realm=x" hdr Set-Cookie c=3 if { path /401 }',
    'http-request return status 403 if { path /403 }',
    'http-request redirect location http://10.9.0.1:8080/ if { path /302 }',
    'http-request return status 503',
  )
  const silent = "require('node:net').createServer(() => {}).listen(8081, '10.9.0.9')"
  const rude =
    "require('node:net').createServer((s) => { s.on('error', () => {}); s.end('HTTP/1.1 2\\r\\n\\r\\n') }).listen(8082, '10.9.0.9')"
  for (const program of [silent, rude]) rig.start([process.execPath, '-e', program])
  await rig.serve(anIngressWorld({ ingresses: INGRESSES, services: SERVICES }))
  expect(rig.engine.findings).toEqual([])
  for (const name of ['passed', 'named'])
    await until(
      () => ask(name),
      ({ status }) => status === 200,
    )
})

afterAll(() => rig.down())

test('who is let in passes, with what was told of them and nothing that they say themselves', async () => {
  const spoofed = [
    'X-User: root',
    'x-mail: root@a.b',
    'X-Fairway-Section: be_unavailable',
    'X-Original-URL: http://other/',
    'Cookie: k=v',
  ]
  const odd = "/a%2Fb//c%20d?x=%27%22&y=<>|{}'#"
  const { status, head, got } = await ask('passed', odd, ...spoofed.flatMap((one) => ['-H', one]), '-d', 'body')
  expect(status).toBe(200)
  expect(got).toContain('post /a%2fb//c%20d')
  expect(got.match(/^x-user: .*/gm)).toEqual(['x-user: jane'])
  expect(got).not.toContain('x-mail')
  const url = `http://passed.test${odd.replace('#', '').toLowerCase()}`
  const [target] = url.split('passed.test').slice(1)
  const seen = `get|0|10.9.0.9:8080|post|${url}|${target}|nginx-ingress-controller|k=v|0|/pass?a=b`
  expect(got).toContain(`x-seen: ${seen}`)
  expect(head.match(/set-cookie: ./g)).toEqual(['set-cookie: a', 'set-cookie: b'])
})

test('the method and the place to come back to are those that were written', async () => {
  const { got } = await ask('posted', '/x')
  expect(got).toContain('x-seen: post|0|10.9.0.9:8080|get|http://posted.test/x|/back|nginx-ingress-controller|')
})

test('who has to sign in is told so, or sent there', async () => {
  const { status, head } = await ask('asked')
  expect([status, /www-authenticate: (.*)\r/.exec(`${head}\r`)?.[1], head.includes('set-cookie: c=3')]).toEqual([
    401,
    'bearer realm=x',
    true,
  ])
  const sent = await ask('sent', '/a/b?c=d&e')
  expect([sent.status, /location: (.*)\r/.exec(`${sent.head}\r`)?.[1]]).toEqual([
    302,
    'https://sent.test/in?a=b&rd=http://sent.test%2fa%2fb%3fc%3dd%26e',
  ])
})

test.each([
  ['forbidden', 403],
  ['moved', 500],
  ['broken', 500],
  ['dead', 500],
  ['slow', 500],
  ['garbage', 500],
  ['unknown', 500],
  ['untrusted', 500],
  ['circle', 500],
])('%s: nobody is let in, and told %d', async (name, wanted) => {
  expect((await ask(name)).status).toBe(wanted)
})

test('many requests at one time, and a reload among them', async () => {
  let isOver = false
  let count = 0
  const client = async () => {
    while (!isOver) {
      expect((await ask('passed', '/many')).status).toBe(200)
      expect((await ask('forbidden')).status).toBe(403)
      count++
    }
  }
  const clients = Array.from({ length: 5 }, client)
  const parallel = [
    '-Z',
    '--parallel-immediate',
    '--parallel-max',
    '50',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code} ',
    '-H',
    'Host: passed.test',
  ]
  const all = await rig.curl(...parallel, 'http://127.0.0.1/[1-50]')
  expect(all.trim().split(' ')).toEqual(Array.from({ length: 50 }, () => '200'))
  const more = ingress('more', { 'auth-url': `${AUTH}/pass`, 'proxy-body-size': '1k' })
  await rig.serve(anIngressWorld({ ingresses: [...INGRESSES, more], services: SERVICES }), [{ kind: 'ingress', key: more.key }])
  await until(
    () => ask('more'),
    ({ status }) => status === 200,
  )
  isOver = true
  await Promise.all(clients)
  expect(count).toBeGreaterThan(0)
})
