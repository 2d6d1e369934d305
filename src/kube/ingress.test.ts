import { describe, expect, it } from 'vitest'
import { certificateOf, convertIngress, convertIngressClass } from './ingress.ts'
import type { SettingsObject } from './settings.ts'

const object = (spec: unknown, part = {}): SettingsObject => ({
  metadata: { namespace: 'shop', name: 'web', creationTimestamp: '2026-01-01T00:00:00Z', ...part },
  spec,
})
const backend = (port: object = { number: 80 }) => ({ service: { name: 'web', port } })
const rules = (path: unknown, pathType: string, host: unknown = 'a.b') => [
  { host, http: { paths: [{ path, pathType, backend: backend() }] } },
]
const patternOf = (path: unknown, pathType: string) =>
  convertIngress(object({ rules: rules(path, pathType) })).value?.rules[0]?.paths[0]?.pattern

describe('an Ingress', () => {
  it('is read with hosts, paths, backends and certificates', () => {
    const spec = {
      ingressClassName: 'fairway',
      rules: rules('/a', 'Prefix', 'Shop.Example.com'),
      tls: [{ hosts: ['shop.example.com', '*.example.com'], secretName: 'tls' }, { hosts: ['other.example.com'] }],
      defaultBackend: backend({ name: 'http' }),
    }
    expect(convertIngress(object(spec))).toEqual({
      findings: [],
      value: {
        ...{ key: 'shop/web', className: 'fairway', isWhole: true, createdAtInMs: Date.parse('2026-01-01T00:00:00Z') },
        rules: [
          {
            host: 'shop.example.com',
            paths: [{ pattern: { kind: 'prefix', path: '/a' }, text: '/a', backend: { service: 'shop/web', port: 80 } }],
          },
        ],
        defaultBackend: { service: 'shop/web', port: 'http' },
        tls: [
          { hosts: ['shop.example.com', '*.example.com'], secret: 'shop/tls' },
          { hosts: ['other.example.com'], secret: '' },
        ],
      },
    })
  })

  it.each([
    ['/a/', 'Prefix', { kind: 'prefix', path: '/a' }],
    ['/', 'Prefix', { kind: 'prefix', path: '' }],
    ['/a/', 'Exact', { kind: 'exact', path: '/a/' }],
    ['/a', 'ImplementationSpecific', { kind: 'prefix', path: '/a' }],
    [undefined, 'ImplementationSpecific', { kind: 'prefix', path: '' }],
  ])('has the path %s of type %s', (path, type, expected) => {
    expect(patternOf(path, type)).toEqual(expected)
  })

  it('has its class in an annotation where no field says it', () => {
    const annotations = { 'kubernetes.io/ingress.class': 'old' }
    expect(convertIngress(object({}, { annotations })).value?.className).toBe('old')
    expect(convertIngress(object({ ingressClassName: 'new' }, { annotations })).value?.className).toBe('new')
  })

  it.each([
    ['a host of other characters', { rules: rules('/', 'Prefix', 'a b') }, 'spec.rules[0].host is "a b"'],
    ['a host with an end of line', { rules: rules('/', 'Prefix', 'a.b\nc') }, 'spec.rules[0].host'],
    ['a path with an end of line', { rules: rules('/a\nuse_backend x', 'Prefix') }, 'spec.rules[0].http.paths[0].path'],
    ['a path that does not begin with /', { rules: rules('a', 'Exact') }, 'spec.rules[0].http.paths[0].path is "a"'],
    ['a path with a quote', { rules: rules('/"', 'Exact') }, 'spec.rules[0].http.paths[0].path'],
    [
      'a backend that is no Service',
      { defaultBackend: { resource: { kind: 'Bucket', name: 'a' } } },
      'spec.defaultBackend.service',
    ],
  ])('with %s is served without that, and it is told', (_what, spec, field) => {
    const { value, findings } = convertIngress(object({ ...spec, tls: [{ hosts: ['x.y'], secretName: 's' }] }))
    expect(value?.rules.flatMap(({ paths }) => paths)).toEqual([])
    expect(value?.defaultBackend).toBeUndefined()
    expect(value?.tls).toHaveLength(1)
    expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining(field)])
  })

  it('minds any JSON', () => {
    for (const spec of [null, 7, [], { rules: 7 }, { rules: [null, 7, { http: 7 }] }, { tls: [7] }, { defaultBackend: [] }])
      expect(() => convertIngress(object(spec))).not.toThrow()
  })
})

it('a class says who serves it, and whether it is the default', () => {
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  const raw = { metadata: { name: 'fairway', annotations }, spec: { controller: 'fairway.dev/ingress' } }
  expect(convertIngressClass(raw).value).toEqual({
    name: 'fairway',
    controller: 'fairway.dev/ingress',
    isDefault: true,
    dialect: '',
  })
})

describe('a Secret with a certificate', () => {
  const secret = (data: Record<string, string>, type = 'kubernetes.io/tls') =>
    certificateOf({ metadata: { namespace: 'shop', name: 'tls' }, type, data })
  const encoded = (text: string) => Buffer.from(text).toString('base64')

  it.each([
    [{}, 'kubernetes.io/tls', 'it has no tls.crt, or no tls.key'],
    [
      { 'tls.crt': encoded('x'), 'tls.key': encoded('y') },
      'kubernetes.io/tls',
      'its tls.crt or its tls.key is no PEM that can be read',
    ],
    [{ 'tls.crt': encoded('x') }, 'Opaque', 'it is not of type kubernetes.io/tls'],
  ])('that cannot be used says why: %j of type %s', (data, type, problem) => {
    expect(secret(data as Record<string, string>, type)).toMatchObject({ key: 'shop/tls', chain: '', privateKey: '', problem })
  })
})
