import { describe, expect, it, test } from 'vitest'
import { anIngress, anIngressWorld, anNginxIngress, aPath, NGINX_CLASS, served } from '../../test/support/ingress.ts'
import { type L7Request, matching, serversOf } from '../../test/support/l7-matcher.ts'
import type { CertificateSecret, Ingress, IngressWorld } from '../model/ingress.ts'
import type { L7Rule } from '../model/l7.ts'
import { createIngressPlanner } from './ingress.ts'

const OPTIONS = { httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' } as const
const SERVICES = ['web', 'next', 'other'].map((name, index) => served(name, `10.244.0.${index + 1}`))
const NAMES: Readonly<Record<string, string>> = {
  '10.244.0.1:8080': 'web',
  '10.244.0.2:8080': 'next',
  '10.244.0.3:8080': 'other',
}
const TLS: Pick<Ingress, 'tls'> = { tls: [{ hosts: ['a.b'], secret: 'default/tls' }] }
const rules = (...paths: readonly string[]) => [{ host: 'a.b', paths: paths.map((path) => aPath(path, 'web')) }]
const secret = (name: string, part: Partial<CertificateSecret> = {}): CertificateSecret => ({
  ...{ key: `default/${name}`, chain: 'c', privateKey: 'k', problem: '', ...part },
})
const SHA512 = `$6$salt$${'x'.repeat(86)}`
const SECRETS = new Map(
  [
    secret('tls'),
    secret('users', {
      problem: 'no',
      passwords: {
        file: [
          { name: 'u', hash: SHA512 },
          { name: 'v', hash: '$apr1$a$b' },
        ],
        map: [],
      },
    }),
    secret('map', { problem: 'no', passwords: { map: [{ name: 'u', hash: SHA512 }] } }),
    secret('signers', { problem: 'no', authority: 'PEM' }),
  ].map((one) => [one.key, one]),
)

function planned(...ingresses: readonly Ingress[]) {
  const planner = createIngressPlanner(OPTIONS)
  planner.update(anIngressWorld({ ingresses, services: SERVICES, secrets: SECRETS }), [])
  return planner
}

/** The rule for a request to host a.b in the clear, by an Ingress with these annotations and the path /. */
function ruleFor(
  said: Readonly<Record<string, string>>,
  part: Partial<Ingress> = {},
  request: Partial<L7Request> = {},
): L7Rule | undefined {
  const { entries } = planned(anNginxIngress('a', said, { rules: rules('/'), ...part }))
  return matching(entries.values(), { listener: 'listener/http', host: 'a.b', path: '/', ...request })
}
const messages = (said: Readonly<Record<string, string>>) =>
  planned(anNginxIngress('a', said, { rules: rules('/') })).findings.map(({ code, message }) => `${code.code} ${message}`)

const ASKED = [{ of: 'scheme' }, '://', { of: 'authority' }, { of: 'escaped-target' }]

test.each<[Record<string, string>, object]>([
  [{}, {}],
  [{ 'rewrite-target': '/x' }, { path: { kind: 'full', path: '/x' } }],
  [{ 'rewrite-target': '/' }, {}],
  [{ 'auth-signin': 'https://a.b/' }, {}],
  [
    {
      'auth-url': 'http://x.y:81/auth?a=b',
      'auth-method': 'POST',
      'auth-response-headers': 'X-User',
      'auth-request-redirect': '/back',
    },
    {
      externalAuth: {
        ...{ scheme: 'http', host: 'x.y', port: 81, target: '/auth?a=b', method: 'POST' },
        ...{ responseHeaders: ['x-user'], signIn: [], redirect: ['/back'] },
      },
    },
  ],
  ...(
    [
      ['https://s.b/in', 'rd', ['https://s.b/in', '?rd=', ...ASKED]],
      ['https://s.b/in?a=b', 'rd', ['https://s.b/in?a=b', '&rd=', ...ASKED]],
      ['https://s.b/in?rd=x', 'rd', ['https://s.b/in?rd=x']],
      ['https://s.b/in?rd=x', 'next', ['https://s.b/in?rd=x', '&next=', ...ASKED]],
      ['https://s.b/in?rd=$escaped_request_uri', 'rd', ['https://s.b/in?rd=', { of: 'escaped-target' }]],
    ] as const
  ).map(([place, name, signIn]): [Record<string, string>, object] => [
    { 'auth-url': 'http://x.y/', 'auth-signin': place, 'auth-signin-redirect-param': name },
    {
      externalAuth: {
        ...{ scheme: 'http', host: 'x.y', port: 80, target: '/', method: 'GET', responseHeaders: [], redirect: [], signIn },
      },
    },
  ]),
  [{ 'upstream-vhost': 'x.y' }, { host: 'x.y' }],
  [
    { 'x-forwarded-prefix': '/p' },
    { requestHeaders: { set: [{ name: 'x-forwarded-prefix', value: '/p' }], add: [], remove: [] } },
  ],
  [{ 'proxy-body-size': '8m' }, { maxBodyInBytes: 8_388_608 }],
  [{ 'proxy-body-size': '0' }, {}],
  [
    { 'proxy-connect-timeout': '7', 'proxy-read-timeout': '3600', 'proxy-send-timeout': '30s' },
    { timeouts: { connectInMs: 7_000, readInMs: 3_600_000, sendInMs: 30_000 } },
  ],
  [{ 'proxy-next-upstream': 'off' }, { retries: { attempts: 0, on: [] } }],
  [
    { 'proxy-next-upstream': 'error http_502', 'proxy-next-upstream-tries': '2' },
    { retries: { attempts: 1, on: [502, 'connect', 'empty'] } },
  ],
  [{ 'load-balance': 'ewma' }, { balance: { kind: 'least-connections' } }],
  [{ 'upstream-hash-by': '$http_x_user' }, { balance: { kind: 'hash', of: 'header', name: 'x-user' } }],
  [{ affinity: 'cookie' }, { affinity: { name: 'INGRESSCOOKIE', path: '/', isSecure: false } }],
  [
    { affinity: 'cookie', 'session-cookie-name': 'route', 'session-cookie-max-age': '60', 'session-cookie-samesite': 'lax' },
    { affinity: { name: 'route', path: '/', maxAgeInS: 60, sameSite: 'Lax', isSecure: false } },
  ],
  [
    { 'limit-rps': '10' },
    { rateLimit: { scope: 'ingress/default/a', rates: [{ requests: 10, perInMs: 1_000, burst: 50 }], exempt: [], status: 503 } },
  ],
  [
    { 'limit-rpm': '6', 'limit-connections': '2', 'limit-burst-multiplier': '1', 'limit-whitelist': '10.0.0.1' },
    {
      rateLimit: {
        ...{ scope: 'ingress/default/a', rates: [{ requests: 6, perInMs: 60_000, burst: 6 }] },
        ...{ concurrent: 2, exempt: ['10.0.0.1/32'], status: 503 },
      },
    },
  ],
  [
    { 'whitelist-source-range': '10.0.0.0/8, 192.168.0.1' },
    { sources: { allowed: ['10.0.0.0/8', '192.168.0.1/32'], denied: [] } },
  ],
  [{ 'denylist-source-range': 'fd00::/8' }, { sources: { allowed: [], denied: ['fd00::/8'] } }],
  [
    { 'allowlist-source-range': '10.0.0.0/8', 'whitelist-source-range': '0.0.0.0/0' },
    { sources: { allowed: ['10.0.0.0/8'], denied: [] } },
  ],
  [
    { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'Here' },
    { basicAuth: { realm: 'Here', users: [{ name: 'u', hash: SHA512 }] } },
  ],
  [
    { 'auth-type': 'basic', 'auth-secret': 'map', 'auth-secret-type': 'auth-map' },
    { basicAuth: { realm: 'Authentication Required', users: [{ name: 'u', hash: SHA512 }] } },
  ],
  [
    {
      'enable-cors': 'true',
      'cors-allow-origin': 'https://x.y',
      'cors-max-age': '5',
      'cors-allow-methods': 'GET',
      'cors-allow-headers': 'X-A',
    },
    {
      cors: {
        ...{ origins: ['https://x.y'], methods: ['GET'], headers: ['X-A'], exposed: [] },
        ...{ allowsCredentials: true, maxAgeInS: 5 },
      },
    },
  ],
])('%j is the policy %j', (said, policy) => {
  expect(ruleFor(said)).toMatchObject({ action: { kind: 'forward' }, policy })
  expect(Object.keys(ruleFor(said)?.policy ?? {})).toEqual(Object.keys(policy))
})

test.each<[Record<string, string>, object]>([
  [
    { 'permanent-redirect': 'https://x.y/z?q=1' },
    { scheme: 'https', host: 'x.y', status: 301, path: { kind: 'full', path: '/z?q=1' }, keepsQuery: false },
  ],
  [
    { 'permanent-redirect': 'http://x.y:81$request_uri', 'permanent-redirect-code': '308' },
    { host: 'x.y', port: 81, status: 308, keepsQuery: true },
  ],
  [
    { 'temporal-redirect': '/new', 'permanent-redirect': '/old' },
    { scheme: '', host: '', status: 302, path: { kind: 'full', path: '/new' } },
  ],
  [{ 'app-root': '/app' }, { scheme: '', host: '', status: 302, path: { kind: 'full', path: '/app' } }],
  [{ 'force-ssl-redirect': 'true' }, { scheme: 'https', host: '', status: 308, keepsQuery: true }],
])('%j sends clients elsewhere: %j', (said, action) => {
  expect(ruleFor(said)?.action).toMatchObject({ kind: 'redirect', ...action })
})

describe('a host with TLS', () => {
  it('is redirected to it, unless that is off', () => {
    expect(ruleFor({ 'use-regex': 'false' }, TLS)?.action).toMatchObject({
      kind: 'redirect',
      scheme: 'https',
      status: 308,
      keepsQuery: true,
    })
    expect(ruleFor({ 'use-regex': 'false' }, TLS, { listener: 'listener/https' })?.action.kind).toBe('forward')
    expect(ruleFor({ 'ssl-redirect': 'false' }, TLS)?.action.kind).toBe('forward')
    expect(ruleFor({ affinity: 'cookie' }, TLS, { listener: 'listener/https' })?.policy.affinity?.isSecure).toBe(true)
  })

  it('is so without any annotation, where the class has the dialect', () => {
    const { entries } = planned(anIngress('a', { className: 'as-nginx', rules: rules('/'), ...TLS }))
    expect(matching(entries.values(), { listener: 'listener/http', host: 'a.b', path: '/' })?.action.kind).toBe('redirect')
  })

  it('is so by the TLS of another Ingress', () => {
    const { entries } = planned(anNginxIngress('a', {}, { rules: rules('/') }), anNginxIngress('b', {}, { rules: [], ...TLS }))
    expect(matching(entries.values(), { listener: 'listener/http', host: 'a.b', path: '/' })?.action.kind).toBe('redirect')
  })

  it('goes through as it is where that is asked for', () => {
    const { entries } = planned(anNginxIngress('a', { 'ssl-passthrough': 'true' }, { rules: rules('/') }))
    const asked = (listener: string) => matching(entries.values(), { listener, host: 'a.b', path: '/' })
    expect(entries.get('listener/tls')).toMatchObject({ protocol: 'tls', port: 443 })
    expect(serversOf(entries, asked('listener/tls'))).toEqual(['10.244.0.1:8080'])
    expect(asked('listener/https')).toBeUndefined()
    expect(asked('listener/http')?.action).toMatchObject({ kind: 'redirect', scheme: 'https' })
  })
})

describe('expressions', () => {
  const answerer = (world: readonly Ingress[], path: string) => {
    const { entries } = planned(...world)
    const rule = matching(entries.values(), { listener: 'listener/http', host: 'a.b', path })
    return rule === undefined ? '404' : serversOf(entries, rule).map((server) => NAMES[server])[0]
  }
  const expression = { text: '/item/\\d+', backend: { service: 'default/other', port: 80 } }

  it('are paths of a host where any Ingress of it asks for them: the longest first, without case, exact ones before', () => {
    const world = [
      anNginxIngress(
        'a',
        { 'use-regex': 'true' },
        { rules: [{ host: 'a.b', paths: [expression, aPath('exact:/item/1', 'web')] }] },
      ),
      anNginxIngress('b', {}, { rules: [{ host: 'a.b', paths: [aPath('/item', 'next')] }] }),
    ]
    expect(['/item/2x', '/ITEM/2', '/item/1', '/items', '/x'].map((path) => answerer(world, path))).toEqual([
      'other',
      'other',
      'web',
      'next',
      '404',
    ])
    expect(['/item/2', '/items'].map((path) => answerer(world.slice(1), path))).toEqual(['next', '404'])
  })

  it('give their groups to a target', () => {
    const path = { text: '/something(/|$)(.*)', backend: { service: 'default/web', port: 80 } }
    const rule = ruleFor({ 'rewrite-target': '/v1/$2$3' }, { rules: [{ host: 'a.b', paths: [path] }] }, { path: '/something/x' })
    expect(rule?.policy.path).toEqual({
      ...{ kind: 'regex', expression: '^(?:/something(/|$)(.*)).*$', ignoresCase: true, replacement: ['/v1/', 2] },
    })
  })

  it('that are none, or that nobody asked for, are left out, and that is told', () => {
    const broken = { text: '/a(', backend: { service: 'default/web', port: 80 } }
    const planner = planned(
      anNginxIngress('a', { 'use-regex': 'true' }, { rules: [{ host: 'a.b', paths: [broken] }] }),
      anIngress('b', {
        rules: [
          {
            host: 'c.d',
            paths: [
              { ...broken, text: '/a(b)' },
              { ...broken, text: '/a|b' },
            ].map((one) => one),
          },
        ],
      }),
    )
    expect(planner.findings.map(({ message }) => message)).toEqual([
      'Ingress default/a has the path "/a(", which is no regular expression; it is left out.',
      'Ingress default/b has the path "/a(b)", which is one of a regular expression, which its class does not have; it is left out.',
      'Ingress default/b has the path "/a|b", which is one of a regular expression, which its class does not have; it is left out.',
    ])
  })
})

describe('a canary', () => {
  const main = anNginxIngress('main', { 'proxy-body-size': '1k' }, { rules: rules('/') })
  const canary = (said: Record<string, string>, path = '/') =>
    anNginxIngress('next', { canary: 'true', ...said }, { rules: [{ host: 'a.b', paths: [aPath(path, 'next')] }] })
  const asked = (said: Record<string, string>, request: Partial<L7Request>) => {
    const { entries } = planned(main, canary(said))
    const rule = matching(entries.values(), { listener: 'listener/http', host: 'a.b', path: '/', ...request })
    expect(rule?.policy).toEqual({ maxBodyInBytes: 1_024 })
    return serversOf(entries, rule).map((server) => NAMES[server])
  }
  const header = (value: string) => ({ headers: { 'x-next': value } })

  it.each<[Record<string, string>, Partial<L7Request>, readonly string[]]>([
    [{}, {}, ['web']],
    [{ 'canary-weight': '0' }, {}, ['web']],
    [{ 'canary-weight': '100' }, {}, ['next']],
    [{ 'canary-weight': '30' }, {}, ['web', 'next']],
    [{ 'canary-by-header': 'X-Next' }, {}, ['web']],
    [{ 'canary-by-header': 'X-Next' }, header('always'), ['next']],
    [{ 'canary-by-header': 'X-Next', 'canary-weight': '100' }, header('never'), ['web']],
    [{ 'canary-by-header': 'X-Next', 'canary-weight': '100' }, header('maybe'), ['next']],
    [{ 'canary-by-header': 'X-Next', 'canary-by-header-value': 'v2' }, header('v2'), ['next']],
    [{ 'canary-by-header': 'X-Next', 'canary-by-header-value': 'v2' }, header('always'), ['web']],
    [{ 'canary-by-header': 'X-Next', 'canary-by-header-pattern': '^v[23]$' }, header('v3'), ['next']],
    [{ 'canary-by-cookie': 'next' }, { cookies: { next: 'always' } }, ['next']],
    [{ 'canary-by-cookie': 'next', 'canary-weight': '100' }, { cookies: { next: 'never' } }, ['web']],
    [{ 'canary-by-cookie': 'next', 'canary-by-header': 'X-Next' }, { cookies: { next: 'never' }, ...header('always') }, ['next']],
  ])('%j sends %j to %j', (said, request, servers) => {
    expect(asked(said, request)).toEqual(servers)
  })

  it('has the share of requests that it asks for', () => {
    const { entries } = planned(main, canary({ 'canary-weight': '3', 'canary-weight-total': '10' }))
    expect(entries.get('rule/a.b 0 prefix ')).toMatchObject({
      action: {
        backends: [
          { backend: 'backend/default/web/80', weight: 7 },
          { backend: 'backend/default/next/80', weight: 3 },
        ],
      },
    })
  })

  it('is for nothing without an Ingress of the same host and path', () => {
    const { entries, findings } = planned(main, canary({ 'canary-weight': '100' }, '/next'))
    expect(matching(entries.values(), { listener: 'listener/http', host: 'a.b', path: '/next' })?.subject).toBe(
      'ingress/default/main',
    )
    expect(findings.map(({ message }) => message)).toEqual([
      'Ingress default/next is a canary for host a.b and path /next, which no other Ingress has.',
    ])
  })
})

describe('what cannot protect does not open', () => {
  it.each<[Record<string, string>, string]>([
    [{ 'auth-type': 'basic', 'auth-secret': 'gone' }, 'asks for passwords of the Secret default/gone, which is not there'],
    [{ 'auth-type': 'basic', 'auth-secret': 'map' }, 'asks for passwords of the Secret default/map, which has none (key auth)'],
    [{ 'auth-type': 'basic' }, 'asks for passwords, and names no Secret with them (auth-secret)'],
    [{ 'auth-secret': 'users' }, 'names a Secret with passwords, and does not say how they are asked for (auth-type)'],
    [{ 'auth-type': 'basically', 'auth-secret': 'users' }, 'auth-type is "basically"'],
    [{ 'auth-type': 'digest', 'auth-secret': 'users' }, 'auth-type is "digest"'],
    [{ 'auth-type': 'basic', 'auth-secret': 'other/users' }, 'auth-secret is "other/users"'],
    [{ 'auth-url': 'http://$host/auth' }, 'auth-url is "http://$host/auth"'],
    [{ 'auth-url': 'http://x.y/auth', 'auth-method': 'BREW' }, 'auth-method is "BREW"'],
    [{ 'auth-url': 'http://x.y/auth', 'auth-response-headers': 'Host' }, 'auth-response-headers is "Host"'],
    [{ 'auth-url': 'http://x.y/auth', 'auth-proxy-set-headers': 'a/b' }, 'auth-proxy-set-headers is not served'],
    [{ 'auth-snippet': 'x' }, 'auth-snippet is text for the configuration of nginx'],
    [{ 'whitelist-source-range': '10.0.0.0/8;' }, 'whitelist-source-range is "10.0.0.0/8;"'],
    [{ 'allowlist-source-range': 'x', 'whitelist-source-range': '10.0.0.0/8' }, 'allowlist-source-range is "x"'],
    [{ 'auth-tls-secret': 'gone' }, 'certificates of clients that the Secret default/gone signs'],
    [{ 'auth-tls-secret': 'users' }, 'certificates of clients that the Secret default/users signs'],
    [{ 'auth-tls-secret': 'signers', 'auth-tls-verify-client': 'optional_no_ca' }, 'auth-tls-verify-client is "optional_no_ca"'],
    [{ 'auth-tls-secret': 'signers', 'auth-tls-match-cn': 'x' }, 'auth-tls-match-cn is "x"'],
    [{ 'proxy-ssl-verify': 'on' }, 'proxy-ssl-verify is not served'],
    [{ 'proxy-ssl-secret': 'default/x' }, 'proxy-ssl-secret is not served'],
    [{ 'enable-modsecurity': 'true' }, 'enable-modsecurity is not served'],
  ])('%j is answered with 503, and told: %s', (said, told) => {
    for (const listener of ['listener/http', 'listener/https'])
      expect(ruleFor(said, {}, { listener })?.action).toEqual({ kind: 'respond', status: 503 })
    expect(messages(said).join()).toContain(told)
    expect(messages(said).join()).toContain('503')
  })

  it('also where the class does not speak the dialect', () => {
    const rule = ruleFor({ 'auth-type': 'basic', 'auth-secret': 'users' }, { className: 'fairway' })
    expect(rule?.action).toEqual({ kind: 'respond', status: 503 })
    expect(ruleFor({ 'rewrite-target': '/x' }, { className: 'fairway' })).toMatchObject({
      action: { kind: 'forward' },
      policy: {},
    })
  })

  it('asks clients of a host for certificates on all its rules', () => {
    const { entries } = planned(
      anNginxIngress(
        'a',
        { 'auth-tls-secret': 'signers', 'auth-tls-pass-certificate-to-upstream': 'true' },
        { rules: rules('/a'), ...TLS },
      ),
      anNginxIngress('b', {}, { rules: rules('/b') }),
    )
    expect(entries.get('host-certificate/https/a.b')).toMatchObject({ clientAuthority: 'PEM' })
    for (const path of ['/a', '/b'])
      expect(matching(entries.values(), { listener: 'listener/https', host: 'a.b', path })?.policy).toEqual({
        clientCertificate: { isRequired: true, commonName: '', isPassedOn: true },
      })
  })
})

test.each<[Record<string, string>, string]>([
  [{ 'no-such-thing': 'x' }, 'FW0705 Ingress default/a: the annotation nginx.ingress.kubernetes.io/no-such-thing is not served.'],
  [
    { 'custom-http-errors': '404' },
    'FW0705 Ingress default/a: the annotation nginx.ingress.kubernetes.io/custom-http-errors is not served.',
  ],
  [
    { 'proxy-body-size': '1x' },
    'FW0706 Ingress default/a: the annotation nginx.ingress.kubernetes.io/proxy-body-size is "1x", which is not a number of bytes, or one with k, m or g.',
  ],
  [
    { 'configuration-snippet': 'return 200;' },
    'FW0707 Ingress default/a: the annotation nginx.ingress.kubernetes.io/configuration-snippet is text for the configuration of nginx.',
  ],
  [
    { 'proxy-buffering': 'on' },
    'FW0708 Ingress default/a: the annotation nginx.ingress.kubernetes.io/proxy-buffering changes nothing here: answers are passed on as they come.',
  ],
  [
    { 'enable-modsecurity': 'false' },
    'FW0708 Ingress default/a: the annotation nginx.ingress.kubernetes.io/enable-modsecurity changes nothing here: it is off.',
  ],
  [
    { 'auth-type': 'basic', 'auth-secret': 'users' },
    'FW0713 Ingress default/a has passwords of the Secret default/users that cannot be verified: "v".',
  ],
])('%j is told: %s', (said, message) => {
  expect(messages(said)).toEqual([message])
})

describe('an Ingress that becomes bad', () => {
  const good = anNginxIngress('a', { 'proxy-body-size': '1k' }, { rules: rules('/') })
  const after = (bad: Ingress) => {
    const planner = createIngressPlanner(OPTIONS)
    const world = (one: Ingress): IngressWorld => anIngressWorld({ ingresses: [one], services: SERVICES, secrets: SECRETS })
    planner.update(world(good), [])
    const delta = planner.update(world(bad), [{ kind: 'ingress', key: bad.key }])
    return { ...planner, entries: planner.entries, delta, codes: planner.findings.map(({ code }) => code.code) }
  }

  it('is served as it was, and told', () => {
    for (const bad of [
      anNginxIngress('a', { 'proxy-body-size': 'much' }, { rules: rules('/other') }),
      anNginxIngress('a', {}, { rules: [], isWhole: false }),
    ]) {
      const { delta, codes } = after(bad)
      expect(delta).toEqual({ upserts: [], removals: [] })
      expect(codes).toContain('FW0712')
    }
  })

  it('is not when it was to be protected: nobody is let in', () => {
    const { entries } = after(anNginxIngress('a', { 'whitelist-source-range': 'much' }, { rules: rules('/') }))
    expect(matching(entries.values(), { listener: 'listener/http', host: 'a.b', path: '/' })?.action).toEqual({
      kind: 'respond',
      status: 503,
    })
  })

  it('is not when it is of another class now', () => {
    const { entries } = after(anNginxIngress('a', {}, { rules: [], isWhole: false, className: 'elsewhere' }))
    expect([...entries.keys()]).toEqual(['listener/http', 'listener/https'])
  })
})

test('the controller of ingress-nginx itself is somebody else', () => {
  const classes = [{ ...NGINX_CLASS, controller: 'k8s.io/ingress-nginx' }]
  const planner = createIngressPlanner(OPTIONS)
  planner.update(anIngressWorld({ ingresses: [anNginxIngress('a', {}, { rules: rules('/') })], services: SERVICES, classes }), [])
  expect(planner.isServed('default/a')).toBe(false)
})
