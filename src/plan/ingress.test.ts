import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  anIngress,
  anIngressWorld,
  anNginxIngress,
  aPath,
  FAIRWAY_CLASS,
  NGINX_CLASS,
  served,
} from '../../test/support/ingress.ts'
import { FALLBACK, HOSTS, PATHS } from '../../test/support/ingress-cases.ts'
import { matching, serversOf } from '../../test/support/l7-matcher.ts'
import type { CertificateSecret, Ingress, IngressChange, IngressWorld } from '../model/ingress.ts'
import { createIngressPlanner, type IngressPlannerOptions } from './ingress.ts'

const OPTIONS: IngressPlannerOptions = { httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' }

function planned(world: IngressWorld, options: Partial<IngressPlannerOptions> = {}) {
  const planner = createIngressPlanner({ ...OPTIONS, ...options })
  planner.update(world, [])
  return planner
}

/** Who answers: the name of the Service; `404` no rule, `503` none behind it. */
function answerer(world: IngressWorld, host: string, path: string, listener = 'listener/http'): string {
  const { entries } = planned(world)
  const rule = matching(entries.values(), { listener, host, path })
  if (rule === undefined) return '404'
  const [server] = serversOf(entries, rule)
  const slice = [...world.endpointSlices.values()].find(({ endpoints }) =>
    endpoints.some(({ address }) => server === `${address}:8080`),
  )
  return slice?.service.split('/')[1] ?? '503'
}

const services = (...names: readonly string[]) => names.map((name, index) => served(name, `10.244.0.${index + 1}`))
const toPaths = (host: string, ...paths: readonly ReturnType<typeof aPath>[]) => ({ host, paths })

describe.each([
  ['paths', PATHS],
  ['hosts', HOSTS],
  ['fallback', FALLBACK],
] as const)('the conformance cases of %s', (_name, { world, cases }) => {
  it.each(cases)('$host $path: $answer', ({ host, path, answer }) => {
    expect(answerer(world, host, path)).toBe(answer)
    expect(answerer(world, host, path, 'listener/https')).toBe(answer)
  })
})

describe('what an Ingress is served as', () => {
  it('is nothing when its class is not ours', () => {
    const world = anIngressWorld({
      ingresses: [anIngress('a', { className: 'nginx', rules: [toPaths('a.b', aPath('/', 'web'))] })],
      services: services('web'),
    })
    expect(planned(world).isServed('default/a')).toBe(false)
    expect(answerer(world, 'a.b', '/')).toBe('404')
  })

  it('is that of the default class when it names none', () => {
    const ingresses = [anIngress('a', { className: '', rules: [toPaths('a.b', aPath('/', 'web'))] })]
    const classes = [{ ...FAIRWAY_CLASS, isDefault: true }]
    expect(answerer(anIngressWorld({ ingresses, services: services('web') }), 'a.b', '/')).toBe('404')
    expect(answerer(anIngressWorld({ ingresses, classes, services: services('web') }), 'a.b', '/')).toBe('web')
  })

  it('is the older one’s where two ask for the same, and the other is told', () => {
    const ingresses = [
      anIngress('young', { rules: [toPaths('a.b', aPath('/x', 'two'))], createdAtInMs: 2 }),
      anIngress('old', { rules: [toPaths('a.b', aPath('/x/', 'one'))], createdAtInMs: 1 }),
    ]
    const world = anIngressWorld({ ingresses, services: services('one', 'two') })
    expect(answerer(world, 'a.b', '/x')).toBe('one')
    expect(planned(world).findings.map(({ code, message }) => [code.code, message])).toEqual([
      ['FW0702', 'Ingress default/young asks for host a.b and path /x (prefix), which the older Ingress default/old has.'],
    ])
  })

  it('is joined over several Ingresses of one host', () => {
    const ingresses = ['one', 'two'].map((name) => anIngress(name, { rules: [toPaths('a.b', aPath(`/${name}`, name))] }))
    const world = anIngressWorld({ ingresses, services: services('one', 'two') })
    expect([answerer(world, 'a.b', '/one'), answerer(world, 'a.b', '/two')]).toEqual(['one', 'two'])
  })

  it('has a rule without servers where Service or port is missing, and that is told', () => {
    const ingresses = [anIngress('a', { rules: [toPaths('', aPath('/gone', 'gone'), aPath('/port', 'web', 81))] })]
    const world = anIngressWorld({ ingresses, services: services('web') })
    expect([answerer(world, 'x', '/gone'), answerer(world, 'x', '/port')]).toEqual(['503', '503'])
    expect(planned(world).findings.map(({ code, message }) => [code.code, message])).toEqual([
      ['FW0700', 'Ingress default/a sends requests to Service default/gone, which is not there.'],
      ['FW0701', 'Ingress default/a sends requests to port 81 of Service default/web, which has no such TCP port.'],
    ])
  })

  it('goes to the name that an ExternalName Service stands for', () => {
    const { service, slice } = served('out', '10.0.0.1')
    const outside = { service: { ...service, type: 'ExternalName', externalName: 'example.com' } as const, slice }
    const ingresses = [anIngress('a', { rules: [toPaths('a.b', aPath('/', 'out', 'http'))] })]
    const { entries } = planned(anIngressWorld({ ingresses, services: [outside] }))
    expect(entries.get('backend/default/out/80')).toMatchObject({ servers: [{ address: 'example.com', port: 80 }] })
  })
})

describe('certificates', () => {
  const secret = (name: string, problem = ''): CertificateSecret => ({
    key: `default/${name}`,
    chain: name,
    privateKey: 'k',
    problem,
  })
  const secrets = (...all: readonly CertificateSecret[]) => new Map(all.map((one) => [one.key, one]))
  const tls = (name: string, hosts: readonly string[]) => [{ hosts, secret: `default/${name}` }]
  const shown = (world: IngressWorld) =>
    [...planned(world).entries.values()].flatMap((entry) =>
      entry.kind === 'host-certificate' ? [`${entry.key} ${entry.certificate}`] : [],
    )

  it('are shown for their hosts', () => {
    const ingresses = [anIngress('a', { tls: tls('one', ['a.b', '*.c.d']) })]
    const world = anIngressWorld({ ingresses, secrets: secrets(secret('one')) })
    expect(shown(world)).toEqual([
      'host-certificate/https/a.b certificate/default/one',
      'host-certificate/https/*.c.d certificate/default/one',
    ])
    expect(planned(world).entries.get('certificate/default/one')).toMatchObject({ chain: 'one' })
  })

  it('are for the hosts of the rules when no host is named', () => {
    const ingresses = [anIngress('a', { rules: [toPaths('a.b', aPath('/', 'web'))], tls: tls('one', []) })]
    expect(shown(anIngressWorld({ ingresses, secrets: secrets(secret('one')) }))).toEqual([
      'host-certificate/https/a.b certificate/default/one',
    ])
  })

  it('that cannot be used are shown for nobody, no other one in their place, and that is told', () => {
    const ingresses = [anIngress('a', { tls: tls('one', ['a.b']) }), anIngress('b', { tls: tls('two', ['c.d']) })]
    const world = anIngressWorld({ ingresses, secrets: secrets(secret('one', 'its key is of another certificate')) })
    expect(shown(world)).toEqual([])
    expect([...planned(world).entries.keys()].toSorted()).toEqual(['listener/http', 'listener/https'])
    expect(planned(world).findings.map(({ message }) => message)).toEqual([
      'Ingress default/a names the Secret default/one for a.b, which cannot be used: its key is of another certificate.',
      'Ingress default/b names the Secret default/two for c.d, which cannot be used: it is not there.',
    ])
  })

  it('of the gateway itself stand for hosts without one', () => {
    const world = anIngressWorld({ secrets: secrets(secret('own')) })
    const planner = planned(world, { defaultCertificate: 'default/own' })
    expect(planner.entries.get('listener/https')).toMatchObject({ defaultCertificate: 'certificate/default/own' })
    expect([...planner.secrets]).toEqual(['default/own'])
  })
})

test('planning step by step ends where planning from scratch does', () => {
  const path = fc.constantFrom(
    aPath('/', 'one'),
    aPath('/a', 'two', 'http'),
    aPath('exact:/a', 'one'),
    aPath('/b', 'gone'),
    aPath('/c', 'one', 81),
    { text: '/d(x|y)', backend: { service: 'default/two', port: 80 } },
  )
  const said = fc.constantFrom<Readonly<Record<string, string>>>(
    ...[{}, { canary: 'true', 'canary-weight': '20' }, { 'rewrite-target': '/$1' }, { 'ssl-passthrough': 'true' }],
    ...[{ 'auth-type': 'basic', 'auth-secret': 's1' }, { 'auth-tls-secret': 's2' }, { 'backend-protocol': 'HTTPS' }],
    ...[{ 'auth-snippet': 'x' }, { 'permanent-redirect': '/x' }],
  )
  const rule = fc.record({ host: fc.constantFrom('', 'a.b', '*.a.b'), paths: fc.array(path, { maxLength: 3 }) })
  const ingress = fc
    .record({
      name: fc.constantFrom('i1', 'i2', 'i3'),
      className: fc.constantFrom('fairway', 'nginx', '', 'as-nginx'),
      said,
      rules: fc.array(rule, { maxLength: 2 }),
      tls: fc.constantFrom<Ingress['tls']>([], [{ hosts: ['a.b'], secret: 'default/s1' }], [{ hosts: [], secret: 'default/s2' }]),
      createdAtInMs: fc.constantFrom(1, 2),
      hasDefault: fc.boolean(),
    })
    .map(({ name, hasDefault, said: annotations, ...part }) =>
      anNginxIngress(name, annotations, {
        ...part,
        ...(hasDefault ? { defaultBackend: { service: 'default/two', port: 80 } } : {}),
      }),
    )
  const world = fc
    .record({
      ingresses: fc.uniqueArray(ingress, { selector: ({ key }) => key }),
      services: fc.subarray(services('one', 'two')),
      classes: fc.subarray([{ ...FAIRWAY_CLASS, isDefault: true }, NGINX_CLASS]),
      secrets: fc.subarray(['s1', 's2']).map((names) => new Map(names.map((name) => [`default/${name}`, aSecret(name)]))),
    })
    .map(anIngressWorld)
  fc.assert(
    fc.property(fc.array(world, { minLength: 2, maxLength: 5 }), (worlds) => {
      const stepwise = createIngressPlanner({ ...OPTIONS, defaultCertificate: 'default/s1' })
      const installed = new Map<string, unknown>()
      let before: IngressWorld | undefined
      for (const one of worlds) {
        const { upserts, removals } = stepwise.update(one, before === undefined ? [] : differences(before, one))
        for (const entry of upserts) installed.set(entry.key, entry)
        for (const key of removals) installed.delete(key)
        const whole = planned(one, { defaultCertificate: 'default/s1' })
        expect(new Map([...stepwise.entries].sort())).toEqual(new Map([...whole.entries].sort()))
        expect(new Map([...installed].sort())).toEqual(new Map([...whole.entries].sort()))
        expect(stepwise.findings).toEqual(whole.findings)
        expect([...stepwise.secrets].sort()).toEqual([...whole.secrets].sort())
        before = one
      }
    }),
  )
})

/** One for every purpose. */
function aSecret(name: string): CertificateSecret {
  const passwords = { file: [{ name: 'u', hash: '$apr1$a$b' }], map: [] }
  return { key: `default/${name}`, chain: name, privateKey: 'k', problem: '', authority: name, passwords }
}

function differences(before: IngressWorld, after: IngressWorld): readonly IngressChange[] {
  const changed = (kind: IngressChange['kind'], one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>) =>
    [...new Set([...one.keys(), ...other.keys()])]
      .filter((key) => JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key)))
      .map((key) => ({ kind, key }))
  return [
    ...changed('ingress', before.ingresses, after.ingresses),
    ...changed('class', before.classes, after.classes),
    ...changed('service', before.services, after.services),
    ...changed('endpointSlice', before.endpointSlices, after.endpointSlices),
    ...changed('secret', before.secrets, after.secrets),
  ]
}
