/** Bodies as real kubectl sends them; test/golden/kubernetes-1.36/kubectl/protobuf-bodies.json holds them by command. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMap } from '../json.ts'
import { SCHEMAS } from '../openapi/schemas.ts'
import { objectMeta } from '../schema/types.ts'
import { decodeUnknown, ProtobufError } from './decode.ts'
import { WIRE_SCHEMAS, wireFields } from './fields.ts'

const BODIES = new URL('../../../../test/golden/kubernetes-1.36/kubectl/protobuf-bodies.json', import.meta.url)
const bodies = JSON.parse(readFileSync(BODIES, 'utf8')) as Readonly<Record<string, string>>
const bytes = (command: string): Buffer => Buffer.from(bodies[command] ?? '', 'base64')

const WANTED: Readonly<Record<string, unknown>> = {
  'create ns n1': { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n1' }, spec: {}, status: {} },
  'create service nodeport c1 --tcp=80:80 --node-port=30555': {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'c1', labels: { app: 'c1' } },
    spec: {
      ports: [{ name: '80-80', protocol: 'TCP', port: 80, targetPort: 80, nodePort: 30555 }],
      selector: { app: 'c1' },
      type: 'NodePort',
    },
    status: { loadBalancer: {} },
  },
  'create deployment c1 --image=nginx': {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'c1', labels: { app: 'c1' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'c1' } },
      template: {
        metadata: { labels: { app: 'c1' } },
        spec: { containers: [{ name: 'nginx', image: 'nginx', resources: {} }] },
      },
      strategy: {},
    },
    status: {},
  },
  'create ingress c1 --rule=a.example/=c1:80': {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'c1' },
    spec: {
      rules: [
        {
          host: 'a.example',
          http: { paths: [{ path: '/', backend: { service: { name: 'c1', port: { number: 80 } } }, pathType: 'Exact' }] },
        },
      ],
    },
    status: { loadBalancer: {} },
  },
  'create sa x': { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x' } },
  'create configmap c --from-literal=a=b': { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } },
  'create secret generic s --from-literal=a=b': {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { a: Buffer.from('b').toString('base64') },
  },
  'auth can-i create services': {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: {},
    spec: { resourceAttributes: { namespace: 'default', verb: 'create', resource: 'services' } },
  },
  'auth whoami': { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {} },
}

describe('protobuf bodies', () => {
  test.each(Object.keys(WANTED))('%s', (command) => {
    expect(decodeUnknown(bytes(command))).toEqual(WANTED[command])
  })

  test('every recorded body can be read', () => {
    for (const command of Object.keys(bodies)) expect(isMap(decodeUnknown(bytes(command))), command).toBe(true)
  })

  test('a message without field numbers is told apart from nonsense', () => {
    const quota = 'azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRIA'
    const caught = (body: Buffer): unknown => {
      try {
        return decodeUnknown(body)
      } catch (error) {
        return error instanceof ProtobufError ? error.unknown : error
      }
    }
    expect(caught(Buffer.from(quota, 'base64'))).toBe(true)
    expect(caught(Buffer.from('{"kind":"Pod"}'))).toBe(false)
  })

  test('whatever comes, it is read or refused in words', () => {
    const whole = bytes('create deployment c1 --image=nginx')
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
        const body = Buffer.from(whole)
        body[at] = byte
        try {
          decodeUnknown(body.subarray(0, end))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('every row names fields that its schema has, each number once', () => {
  for (const short of WIRE_SCHEMAS) {
    const schema = [`io.k8s.api.${short}`, `io.k8s.apimachinery.pkg.apis.${short}`].find((name) => name in SCHEMAS)
    expect(schema, short).toBeDefined()
    const metas = objectMeta(schema ?? '')
    const names = [...(wireFields(schema ?? '')?.values() ?? [])].flatMap((field) =>
      'name' in field ? [field.name] : [...field.values()].map(({ name }) => name),
    )
    for (const name of names) expect(name === 'selfLink' || metas.has(name), `${short}.${name}`).toBe(true)
    expect(new Set(names).size, short).toBe(names.length)
  }
})
