/** The cases of Kubernetes' ingress-controller-conformance: objects, requests, and who answers. */

import { anIngress, anIngressWorld, aPath, served } from './ingress.ts'
import { type IngressCase, tableCases } from './ingress-table.ts'
import { anEndpoint } from './world.ts'

const services = (...names: readonly string[]) => names.map((name, index) => served(name, `10.244.0.${index + 1}`))
const rule = (host: string, ...paths: readonly ReturnType<typeof aPath>[]) => ({ host, paths })

/** Requests that the table does not have. */
const more = (...rows: readonly (readonly [string, string, string])[]): readonly IngressCase[] =>
  rows.map(([host, path, answer]) => ({ host, path, answer, scheme: 'http', method: 'GET', remark: '' }))

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
  cases: tableCases('path-rules'),
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
  cases: [...tableCases('host-rules'), ...more(['FOO.bar.com:80', '/', 'foo-bar-com'])],
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
  cases: [
    ...tableCases('default-backend'),
    ...more(
      ['default', '/any', 'any-host'],
      ['my-host', '/mine/too', 'my-host'],
      ['my-host', '/any/more', 'my-host'],
      ['my-host', '/any', 'any-host'],
      ['other', '/any/more', 'any-host'],
      ['other', '/gone', '503'],
    ),
  ],
} as const

/** Ten pods behind one Service. */
export const REPLICAS = 10
const { service, slice } = served('load-balancing', '10.244.1.1')
const endpoints = Array.from({ length: REPLICAS }, (_, at) => anEndpoint(`10.244.1.${at + 1}`))
export const LOAD_BALANCING = anIngressWorld({
  ingresses: [anIngress('load', { rules: [rule('load-balancing', aPath('/', 'load-balancing'))] })],
  services: [{ service, slice: { ...slice, endpoints } }],
})
