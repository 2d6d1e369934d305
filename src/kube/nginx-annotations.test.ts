import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { NGINX_PREFIX } from '../model/nginx-annotations.ts'
import { readNginxAnnotations } from './nginx-annotations.ts'

const read = (said: Readonly<Record<string, unknown>>) =>
  readNginxAnnotations(Object.fromEntries(Object.entries(said).map(([name, value]) => [`${NGINX_PREFIX}${name}`, value])), 'shop')

test.each([
  ['rewrite-target', '/v1/$2-$1', 'rewriteTarget', ['/v1/', 2, '-', 1]],
  ['use-regex', 'True', 'useRegex', true],
  ['ssl-redirect', '0', 'sslRedirect', false],
  ['proxy-body-size', '10M', 'proxyBodySize', 10_485_760],
  ['proxy-read-timeout', '60s', 'proxyReadTimeout', 60_000],
  ['proxy-next-upstream', 'error timeout', 'proxyNextUpstream', ['connect', 'empty', 'timeout']],
  ['backend-protocol', 'grpcs', 'backendProtocol', 'h2'],
  ['upstream-hash-by', '\u0024{request_uri}', 'upstreamHashBy', { kind: 'hash', of: 'uri' }],
  ['upstream-hash-by', '$cookie_user', 'upstreamHashBy', { kind: 'hash', of: 'cookie', name: 'user' }],
  ['whitelist-source-range', ' 10.0.0.1 , fd00::/8,', 'allowlistSourceRange', ['10.0.0.1/32', 'fd00::/8']],
  ['session-cookie-samesite', 'none', 'sessionCookieSamesite', 'None'],
  ['cors-allow-origin', 'https://a.b, https://*.c:8443', 'corsAllowOrigin', ['https://a.b', 'https://*.c:8443']],
  ['auth-secret', 'users', 'authSecret', 'shop/users'],
  ['auth-secret', 'shop/users', 'authSecret', 'shop/users'],
  ['auth-tls-match-cn', 'CN=^a|b$', 'authTlsMatchCn', '^a|b$'],
  [
    'permanent-redirect',
    'HTTPS://A.b:8443',
    'permanentRedirect',
    { scheme: 'https', host: 'a.b', port: 8_443, target: '/', keepsTarget: false },
  ],
  [
    'temporal-redirect',
    'https://a.b/$request_uri',
    'temporalRedirect',
    { scheme: 'https', host: 'a.b', port: 0, target: '', keepsTarget: true },
  ],
  ['auth-url', 'HTTPS://Auth.b/v?x=1', 'authUrl', { scheme: 'https', host: 'auth.b', port: 443, target: '/v?x=1' }],
  ['auth-response-headers', 'X-User, X-Email,x-user', 'authResponseHeaders', ['x-email', 'x-user']],
  [
    'auth-signin',
    'https://$host/start?rd=$escaped_request_uri',
    'authSignin',
    ['https://', { of: 'host' }, '/start?rd=', { of: 'escaped-target' }],
  ],
  ['permanent-redirect-code', '308', 'permanentRedirectCode', 308],
])('%s: %j is %s: %j', (name, text, field, value) => {
  expect(read({ [name]: text })).toEqual({ [field]: value, problems: [] })
})

test.each([
  ['rewrite-target', 'http://a.b/'],
  ['rewrite-target', '/$uri'],
  ['rewrite-target', '/a?b=c'],
  ['proxy-body-size', '1t'],
  ['proxy-read-timeout', '0'],
  ['backend-protocol', 'AJP'],
  ['upstream-hash-by', '$request_uri$host'],
  ['whitelist-source-range', ''],
  ['whitelist-source-range', '10.0.0.0/33'],
  ['cors-allow-origin', 'a.b'],
  ['auth-secret', 'other/users'],
  ['auth-secret', 'a/b/c'],
  ['auth-type', 'basic|digest'],
  ['auth-tls-match-cn', 'CN=('],
  ['permanent-redirect', 'javascript:alert(1)'],
  ['permanent-redirect', 'https://a.b$host'],
  ['permanent-redirect-code', '304'],
  ['auth-url', 'https://$host/oauth2/auth'],
  ['auth-url', '/auth'],
  ['auth-url', 'http://a.b:0/'],
  ['auth-method', 'TRACE'],
  ['auth-signin', 'https://a.b/$cookie_x'],
  ['auth-signin', '//a.b/'],
  ['auth-response-headers', 'X-User,Content-Length'],
  ['auth-response-headers', 'X User'],
  ['canary-weight', '-1'],
  ['use-regex', 7],
])('%s: %j is unreadable', (name, text) => {
  expect(read({ [name]: text })?.problems).toMatchObject([{ kind: 'unreadable', annotation: name }])
})

describe('problems', () => {
  it('are told of what is not there, in the order of names', () => {
    const problems =
      read({ zzz: 'x', 'auth-cache-key': 'x', 'auth-proxy-set-headers': 'a/b', 'server-snippet': 'x', 'proxy-buffering': 'on' })
        ?.problems ?? []
    expect(problems.map(({ kind, annotation, protects }) => [kind, annotation, protects])).toEqual([
      ['unknown', 'auth-cache-key', false],
      ['unknown', 'auth-proxy-set-headers', true],
      ['idle', 'proxy-buffering', false],
      ['snippet', 'server-snippet', false],
      ['unknown', 'zzz', false],
    ])
  })

  it('are none of annotations of others', () => {
    expect(readNginxAnnotations({ 'example.com/x': 'y' }, 'shop')).toBeUndefined()
    expect(readNginxAnnotations(undefined, 'shop')).toBeUndefined()
  })
})

test('any name and value is read, or told', () => {
  const value = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('constructor', '__proto__', 'a\nb'),
    fc.integer(),
    fc.constant(null),
  )
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom('__proto__', 'constructor', 'toString', 'auth-realm', 'affinity', 'proxy-next-upstream'),
  )
  fc.assert(
    fc.property(name, value, (annotation, text) => {
      const { problems = [], ...values } = read({ [annotation]: text }) ?? {}
      expect(problems.length + Object.keys(values).length).toBe(1)
      for (const problem of problems) expect(problem.message.length).toBeLessThan(300)
    }),
  )
})
