/** The cases of Kubernetes' ingress-controller-conformance: objects, requests, and who answers. */
import { anIngress, anIngressWorld, aPath, served } from './ingress.ts'

const services = (...names: readonly string[]) => names.map((name, index) => served(name, `10.244.0.${index + 1}`))
const rule = (host: string, ...paths: readonly ReturnType<typeof aPath>[]) => ({ host, paths })

/** `answer`: the Service, or the status of the gateway's own answer. */
export interface IngressCase {
  readonly host: string
  readonly path: string
  readonly answer: string
}

const cases = (...rows: readonly (readonly [string, string, string])[]): readonly IngressCase[] =>
  rows.map(([host, path, answer]) => ({ host, path, answer }))

export const PATHS = {
  world: anIngressWorld({
    ingresses: [
      anIngress('paths', {
        rules: [
          rule('exact-path-rules', aPath('exact:/foo', 'foo-exact')),
          rule(
            'prefix-path-rules',
            aPath('/foo', 'foo-prefix'),
            aPath('/aaa/bbb', 'aaa-slash-bbb-prefix'),
            aPath('/aaa', 'aaa-prefix'),
            aPath('/foo', 'foo-prefix'),
          ),
          rule('mixed-path-rules', aPath('/foo', 'foo-prefix'), aPath('exact:/foo', 'foo-exact')),
          rule(
            'trailing-slash-path-rules',
            aPath('/aaa/bbb/', 'aaa-slash-bbb-slash-prefix'),
            aPath('exact:/foo/', 'foo-slash-exact'),
          ),
        ],
      }),
    ],
    services: services(
      ...['foo-exact', 'foo-prefix', 'aaa-slash-bbb-prefix', 'aaa-prefix', 'aaa-slash-bbb-slash-prefix', 'foo-slash-exact'],
    ),
  }),
  cases: cases(
    ['exact-path-rules', '/foo', 'foo-exact'],
    ['exact-path-rules', '/foo/', '404'],
    ['exact-path-rules', '/FOO', '404'],
    ['exact-path-rules', '/bar', '404'],
    ['prefix-path-rules', '/foo', 'foo-prefix'],
    ['prefix-path-rules', '/foo/', 'foo-prefix'],
    ['prefix-path-rules', '/FOO', '404'],
    ['prefix-path-rules', '/aaa/bbb', 'aaa-slash-bbb-prefix'],
    ['prefix-path-rules', '/aaa/bbb/ccc', 'aaa-slash-bbb-prefix'],
    ['prefix-path-rules', '/aaa/ccc', 'aaa-prefix'],
    ['prefix-path-rules', '/aaaccc', '404'],
    ['mixed-path-rules', '/foo', 'foo-exact'],
    ['trailing-slash-path-rules', '/aaa/bbb', 'aaa-slash-bbb-slash-prefix'],
    ['trailing-slash-path-rules', '/aaa/bbb/', 'aaa-slash-bbb-slash-prefix'],
    ['trailing-slash-path-rules', '/foo', '404'],
  ),
} as const

export const HOSTS = {
  world: anIngressWorld({
    ingresses: [
      anIngress('hosts', {
        rules: [
          rule('*.foo.com', aPath('/', 'wildcard-foo-com', 'http')),
          rule('foo.bar.com', aPath('/', 'foo-bar-com', 'http')),
        ],
        tls: [{ hosts: ['foo.bar.com'], secret: 'default/conformance-tls' }],
      }),
    ],
    services: services('wildcard-foo-com', 'foo-bar-com'),
  }),
  cases: cases(
    ['foo.bar.com', '/', 'foo-bar-com'],
    ['FOO.bar.com:80', '/', 'foo-bar-com'],
    ['subdomain.bar.com', '/', '404'],
    ['bar.foo.com', '/', 'wildcard-foo-com'],
    ['baz.bar.foo.com', '/', '404'],
    ['foo.com', '/', '404'],
  ),
} as const

/** A default backend goes after rules of every host, which go after those of a host. */
export const FALLBACK = {
  world: anIngressWorld({
    ingresses: [
      anIngress('fallback', { defaultBackend: { service: 'default/echo-service', port: 'http' } }),
      anIngress('rules', {
        rules: [
          rule('', aPath('/any', 'any-host'), aPath('/gone', 'gone')),
          rule('my-host', aPath('/mine', 'my-host'), aPath('/any/more', 'my-host')),
        ],
      }),
    ],
    services: services('echo-service', 'any-host', 'my-host'),
  }),
  cases: cases(
    ['my-host', '/', 'echo-service'],
    ['my-host', '/sub-path', 'echo-service'],
    ['some-host', '/', 'echo-service'],
    ['', '/resource', 'echo-service'],
    ['default', '/any', 'any-host'],
    ['my-host', '/mine/too', 'my-host'],
    ['my-host', '/any/more', 'my-host'],
    ['my-host', '/any', 'any-host'],
    ['other', '/any/more', 'any-host'],
    ['other', '/gone', '503'],
  ),
} as const
