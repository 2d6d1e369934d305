/** What servers and the log are told of a request by a real HAProxy, and which requests meet rules that no map tells. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngress, anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'

const rig = new HaproxyRig('requests')
const ECHO = served('echo', '10.7.0.9')
const SERVICES = [served('one', '10.7.0.1'), served('two', '10.7.0.2')]

const rules = (host: string, ...paths: readonly ReturnType<typeof aPath>[]) => ({ rules: [{ host, paths }] })
const canary = (name: string, said: Readonly<Record<string, string>>) =>
  anNginxIngress(`${name}-canary`, { canary: 'true', ...said }, rules(`${name}.test`, aPath('/', 'two')))

const world = anIngressWorld({
  services: [...SERVICES, ECHO],
  ingresses: [
    anIngress('echo', rules('echo.test', aPath('/', 'echo'))),
    anNginxIngress(
      'expression',
      { 'use-regex': 'true' },
      rules('expression.test', aPath('/a/[0-9]+', 'one'), aPath('/a/.*/x', 'two')),
    ),
    anNginxIngress('header', {}, rules('header.test', aPath('/', 'one'))),
    canary('header', { 'canary-by-header': 'X-Canary' }),
    anNginxIngress('value', {}, rules('value.test', aPath('/', 'one'))),
    canary('value', { 'canary-by-header': 'X-Canary', 'canary-by-header-value': "it's } me" }),
    anNginxIngress('cookie', {}, rules('cookie.test', aPath('/', 'one'))),
    canary('cookie', { 'canary-by-cookie': 'beta' }),
    anNginxIngress('weight', {}, rules('weight.test', aPath('/', 'one'))),
    canary('weight', { 'canary-weight': '25' }),
  ],
})

beforeAll(async () => {
  await rig.up()
  await rig.backends(anIngressWorld({ services: SERVICES }))
  await rig.address('10.7.0.9')
  const config = join(rig.dir, 'echo.cfg')
  const answer = 'http-request return status 200 content-type text/plain lf-string "%[req.hdrs]"'
  writeFileSync(config, `defaults\n  mode http\n  timeout client 5s\nfrontend f\n  bind 10.7.0.9:8080\n  ${answer}\n`)
  rig.start(['haproxy', '-db', '-f', config])
  await rig.serve(world)
})
afterAll(() => rig.down())

/** The value of a header that the server got, at its first; '' for none. */
async function got(name: string, url: string, ...flags: readonly string[]): Promise<string> {
  const headers = await rig.curl('-H', 'Host: echo.test', ...flags, url)
  const all = headers.split(/\r?\n|%0D%0A/i).filter((line) => line.toLowerCase().startsWith(`${name}:`))
  return all.map((line) => line.slice(name.length + 1).trim()).join(' | ')
}

const FORGED = ['X-Forwarded-For: 6.6.6.6', 'X-Real-IP: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'X-Forwarded-Proto: https']

test.each([
  ['x-forwarded-for', '127.0.0.1', '::1'],
  ['x-real-ip', '127.0.0.1', '::1'],
  ['forwarded', 'for=127.0.0.1;proto=http', 'for="[::1]";proto=http'],
  ['x-forwarded-proto', 'http', 'http'],
  ['x-forwarded-host', 'echo.test', 'echo.test'],
  ['x-forwarded-port', '80', '80'],
])('%s is the client’s own, whatever it says', async (name, four, six) => {
  const forged = FORGED.flatMap((line) => ['-H', line])
  expect(await got(name, 'http://127.0.0.1/', ...forged)).toBe(four)
  expect(await got(name, 'http://[::1]/', ...forged)).toBe(six)
})

test('a request has an id: the client’s, or one of its own', async () => {
  expect(await got('x-request-id', 'http://127.0.0.1/', '-H', 'X-Request-ID: mine')).toBe('mine')
  const [one, other] = [await got('x-request-id', 'http://127.0.0.1/'), await got('x-request-id', 'http://127.0.0.1/')]
  expect(one).toMatch(/^[0-9a-f-]{36}$/)
  expect(other).not.toBe(one)
})

test('each request is one line of JSON, whatever is in it', async () => {
  const uri = `/log/"'\\{}%0a?q=1`
  expect(await rig.answerTo('echo.test', '/', '--request-target', uri, '-H', 'X-Request-ID: "quoted"')).toContain(
    'host: echo.test',
  )
  await expect
    .poll(() => rig.logLines.find(({ id }) => id === '"quoted"'))
    .toMatchObject({
      ...{ client: '127.0.0.1', method: 'GET', host: 'echo.test', uri, status: 200, protocol: 'HTTP/1.1' },
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
})

test('expressions, the longer first', async () => {
  expect(await rig.answerTo('expression.test', '/a/12')).toBe('one')
  expect(await rig.answerTo('expression.test', '/A/b/x')).toBe('two')
  expect(await rig.answerTo('expression.test', '/b')).toBe('404')
})

test.each([
  ['header', 'X-Canary: always', 'two'],
  ['header', 'X-Canary: never', 'one'],
  ['header', 'X-Canary: else', 'one'],
  ['value', "X-Canary: it's } me", 'two'],
  ['value', 'X-Canary: always', 'one'],
  ['cookie', 'Cookie: beta=always', 'two'],
  ['cookie', 'Cookie: beta=never', 'one'],
])('a canary by %s: %s', async (name, header, answer) => {
  expect(await rig.answerTo(`${name}.test`, '/', '-H', header)).toBe(answer)
})

test('a canary by weight has its share', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => rig.answerTo('weight.test', '/')))
  // in turn by weight, but weights are whole numbers
  const count = answers.filter((one) => one === 'two').length
  expect(Math.abs(count - 10)).toBeLessThanOrEqual(1)
})
