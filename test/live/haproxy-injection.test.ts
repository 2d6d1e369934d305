/** Published attacks on ingress controllers, tried on a real HAProxy. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { convertIngress } from '../../src/kube/ingress.ts'
import type { CertificateSecret, Ingress } from '../../src/model/ingress.ts'
import { statements } from '../support/haproxy-lexer.ts'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { anIngress, anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'
import { CANARY, INJECTIONS, ON_ADMISSION } from '../support/injection-cases.ts'
import { until } from '../support/until.ts'

const ROOT = join(import.meta.dirname, '../..')
const HASH = '$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00'
const rig = new HaproxyRig('injection')
const WEB = served('web', '10.9.1.1')
const WEB_BACKEND = { service: WEB.service.key, port: 80 }

/** The same servers, by a Service of another namespace. */
function inNamespace(namespace: string): typeof WEB {
  const key = `${namespace}/web`
  return { service: { ...WEB.service, key }, slice: { ...WEB.slice, key: `${key}-1`, service: key } }
}

function secret(key: string, name: string): readonly [string, CertificateSecret] {
  return [key, { key, chain: '', privateKey: '', problem: 'no', passwords: { file: [{ name, hash: HASH }], map: [] } }]
}

beforeAll(async () => {
  const ingresses = INJECTIONS.flatMap((one) => one.ingresses).flatMap((raw): Ingress[] => {
    const { value } = convertIngress(raw)
    return value === undefined ? [] : [value]
  })
  await rig.up()
  const world = anIngressWorld({
    ingresses,
    services: [WEB, ...['a-b', 'a'].map(inNamespace)],
    secrets: new Map([secret('a-b/c', 'one'), secret('a/b-c', 'two')]),
  })
  await rig.backends(anIngressWorld({ services: [WEB] }))
  await rig.serve(world)
  await until(
    () => rig.answerTo(hostOf('d5cd861e0'), '/'),
    (answer) => answer === 'web',
  )
})
afterAll(() => rig.down())

function hostOf(id: string): string {
  const [first] = INJECTIONS.find((one) => one.id === id)?.ingresses ?? []
  return `${first?.metadata.name}.test`
}

test('every case is tried', () => {
  const text = readFileSync(join(ROOT, 'test/golden/injection/cases.tsv'), 'utf8')
  const ids = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t')[0])
  expect([...INJECTIONS.map(({ id }) => id), ...ON_ADMISSION].toSorted()).toEqual(ids.toSorted())
})

test.each(INJECTIONS)('$id: $answer', async ({ id, path = '/', answer }) => {
  expect(await rig.answerTo(hostOf(id), path, '--path-as-is')).toBe(answer)
})

test('no annotation is more than a value: it is without effect, or nobody is let in', async () => {
  const { ingresses = [] } = INJECTIONS.find(({ id }) => id === 'CVE-2021-25746') ?? {}
  const answers = await Promise.all(ingresses.map(({ metadata }) => rig.answerTo(`${metadata.name}.test`, '/')))
  expect(answers.length).toBeGreaterThan(50)
  expect(answers.filter((answer) => answer !== 'web' && answer !== '503')).toEqual([])
})

test('no word of a user is one of the configuration', () => {
  expect(rig.engine.findings.map(({ message }) => message)).toEqual([])
  for (const file of readdirSync(join(rig.dir, 'conf.d'))) {
    const text = rig.read(join('conf.d', file))
    expect(text).not.toContain(CANARY)
    expect(statements(text).some((words) => words.includes('299'))).toBe(false)
  }
})

test('passwords of one namespace are not those of another', async () => {
  expect(await rig.answerTo(hostOf('CVE-2020-8553'), '/', '-u', 'two:secret')).toBe('401')
  expect(await rig.answerTo(hostOf('CVE-2020-8553'), '/', '-u', 'one:secret')).toBe('web')
})

test.each(ON_ADMISSION)('%s: there is no admission webhook', () => {
  const texts = readdirSync(join(ROOT, 'deploy'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
  expect(texts.length).toBeGreaterThan(0)
  for (const text of texts) expect(text).not.toMatch(/(Validating|Mutating)WebhookConfiguration/)
})

test('an expression that HAProxy does not take opens nothing behind it, and closes nothing before it', async () => {
  // of JavaScript, and not of PCRE
  const strange = String.raw`/\u0041`
  const rule = (host: string, path: string) => ({ rules: [{ host, paths: [{ text: path, backend: WEB_BACKEND }] }] })
  const prefix = (host: string, path: string) => ({ rules: [{ host, paths: [aPath(path, 'web')] }] })
  const more = [
    anNginxIngress(
      'strange',
      { 'use-regex': 'true', 'denylist-source-range': '0.0.0.0/0' },
      rule('strange.test', `${strange}/x+`),
    ),
    anNginxIngress('wide', {}, prefix('strange.test', '/')),
    anNginxIngress('long', {}, prefix('strange.test', '/long/enough/to/be/first')),
    anIngress('any', prefix('', '/')),
    anNginxIngress('main', {}, prefix('main.test', '/')),
    anNginxIngress(
      'side',
      { canary: 'true', 'canary-by-header': 'x', 'canary-by-header-pattern': strange },
      prefix('main.test', '/'),
    ),
    // what HAProxy's language has no form for
    anNginxIngress('brace', {}, prefix('brace.test', '/')),
    anNginxIngress(
      'in-brace',
      { canary: 'true', 'canary-by-header': 'x', 'canary-by-header-value': '}' },
      prefix('brace.test', '/'),
    ),
  ]
  await rig.serve(anIngressWorld({ ingresses: more, services: [WEB] }), [
    ...more.map(({ key }) => ({ kind: 'ingress', key }) as const),
  ])
  const refused = rig.engine.findings.filter(({ code }) => code.name === 'HAPROXY_CONFIG_REFUSED')
  expect(refused.map(({ message }) => /ingress\/\S+/.exec(message)?.[0]).toSorted()).toEqual([
    'ingress/default/main',
    'ingress/default/strange',
  ])
  expect(await rig.answerTo('strange.test', '/A/xx')).toBe('503')
  expect(await rig.answerTo('strange.test', '/long/enough/to/be/first')).toBe('web')
  expect(await rig.answerTo('other.test', '/')).toBe('web')
  expect(await rig.answerTo('main.test', '/')).toBe('web')
  expect(await rig.answerTo('main.test', '/', '-H', 'x: a')).toBe('web')
  expect(await rig.answerTo('brace.test', '/', '-H', 'x: }')).toBe('web')
})
