import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalBase64, canonicalQuantity, canonicalTime } from './scalars.ts'
import { decodeFailure, decodeStrict, fieldMeta, strictFailure } from './schema.ts'

const SERVICE = { group: '', version: 'v1', kind: 'Service', schema: 'io.k8s.api.core.v1.Service' }
const POD = { schema: 'io.k8s.api.core.v1.Pod' }
const head = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }

describe('wrong types are refused in the words of a real server', () => {
  test.each([
    [
      { spec: { ports: 'x' } },
      'json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    ],
    [
      { spec: { ports: [{ port: 'x' }] } },
      'json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      { spec: { ports: [{ port: 1.5 }] } },
      'json: cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [{ spec: { type: 7 } }, 'json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType'],
    [
      { spec: { publishNotReadyAddresses: 'no' } },
      'json: cannot unmarshal string into Go struct field ServiceSpec.spec.publishNotReadyAddresses of type bool',
    ],
    [
      { spec: { selector: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ServiceSpec.spec.selector.a of type string',
    ],
    [{ spec: { ports: [{ targetPort: true }] } }, 'json: cannot unmarshal bool into Go value of type int32'],
    [{ spec: [] }, 'json: cannot unmarshal array into Go struct field Service.spec of type v1.ServiceSpec'],
    [{ metadata: { creationTimestamp: 'x' } }, 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
  ])('%j', (wrong, message) => {
    expect(decodeStrict(SERVICE, { ...head, ...wrong }).errors[0]).toBe(message)
  })

  test('the whole sentence', () => {
    expect(decodeFailure(SERVICE, strictFailure(['unknown field "spec.typo"']))).toBe(
      'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.typo"',
    )
  })
})

test('unknown fields are named with their path and left out', () => {
  const { unknown, pruned, errors } = decodeStrict(SERVICE, { ...head, spec: { ports: [{ port: 80, portt: 1 }], typo: 1 } })
  expect(errors).toEqual([])
  expect(unknown).toEqual(['unknown field "spec.ports[0].portt"', 'unknown field "spec.typo"'])
  expect(pruned).toEqual({ ...head, spec: { ports: [{ port: 80 }] } })
})

test('nulls and empty lists and maps are as if not written; free-form values stay', () => {
  const fieldsV1 = { 'f:spec': {} }
  const raw = {
    ...head,
    metadata: { name: 'a', labels: {}, creationTimestamp: null, managedFields: [{ manager: 'm', fieldsV1 }] },
    spec: { ports: [] },
  }
  expect(decodeStrict(SERVICE, raw).pruned).toEqual({
    ...head,
    metadata: { name: 'a', managedFields: [{ manager: 'm', fieldsV1 }] },
    spec: {},
  })
})

test('decoding what was decoded changes nothing', () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('map')),
    list: fc.array(tie('value'), { maxLength: 3 }),
    map: fc.dictionary(
      fc.constantFrom('name', 'spec', 'ports', 'containers', 'image', 'volumes', 'metadata', 'emptyDir'),
      tie('value'),
    ),
  })).map
  fc.assert(
    fc.property(json, (raw) => {
      const once = decodeStrict(POD, raw)
      const twice = decodeStrict(POD, once.pruned)
      expect(twice).toEqual({ errors: [], unknown: [], pruned: once.pruned })
    }),
  )
})

describe('scalars', () => {
  test.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1024Ki', '1Mi'],
    ['1.5Gi', '1536Mi'],
    ['100', '100'],
    ['1e3', '1e3'],
    ['1000', '1k'],
    ['0.0000000001', '1n'],
    ['-2', '-2'],
    ['500Ki', '500Ki'],
  ])('quantity %s is %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toEqual({ text: canonical })
  })

  test.each([
    ['1K', "unable to parse quantity's suffix"],
    ['64mm', "unable to parse quantity's suffix"],
    ['1e', "unable to parse quantity's suffix"],
    ['m', 'unable to parse numeric part of quantity'],
    ['64MB', 'quantities must match the regular expression'],
    ['1x', 'quantities must match the regular expression'],
    ['', 'quantities must match the regular expression'],
  ])('%j is no quantity, for a reason', (text, reason) => {
    expect(canonicalQuantity(text)).toEqual({ error: expect.stringContaining(reason) as string })
  })

  test.each(['', 'x', '1x', '1 Gi', '--1', '1.2.3'])('%j is no quantity', (text) => {
    expect(canonicalQuantity(text)).toHaveProperty('error')
  })

  test('times', () => {
    expect(canonicalTime('2026-11-22T21:00:00.5+01:00', false)).toEqual({ text: '2026-11-22T20:00:00Z' })
    expect(canonicalTime('2026-11-22T20:00:00.1234567Z', true)).toEqual({ text: '2026-11-22T20:00:00.123456Z' })
    expect(canonicalTime('2026-22-11T20:00:00Z', false)).toHaveProperty('error')
  })

  test('base64', () => {
    expect(canonicalBase64('Yg==\n')).toEqual({ text: 'Yg==' })
    for (const text of ['Y', 'Y!==', 'Y=g=']) expect(canonicalBase64(text), text).toHaveProperty('error')
  })
})

describe('what merging asks of fields', () => {
  const POD_SCHEMA = 'io.k8s.api.core.v1.Pod'

  test.each([
    ['io.k8s.api.core.v1.Service', ['spec', 'ports'], { mergeKey: 'port', listMapKeys: ['port', 'protocol'] }],
    [POD_SCHEMA, ['spec', 'containers', '*', 'ports'], { mergeKey: 'containerPort', listMapKeys: ['containerPort', 'protocol'] }],
    [POD_SCHEMA, ['spec', 'volumes'], { mergeKey: 'name', patchStrategy: ['merge', 'retainKeys'] }],
    [POD_SCHEMA, ['metadata', 'finalizers'], { patchStrategy: ['merge'], listType: 'set' }],
    [POD_SCHEMA, ['spec', 'tolerations'], { patchStrategy: [], listType: 'atomic', atomic: true }],
    [POD_SCHEMA, ['spec', 'nodeSelector'], { type: 'map', atomic: true }],
    [POD_SCHEMA, ['metadata', 'labels', 'any'], { type: 'string' }],
    ['io.k8s.api.apps.v1.Deployment', ['spec', 'selector'], { type: 'object', atomic: true }],
    ['io.k8s.api.apps.v1.Deployment', ['spec', 'strategy'], { patchStrategy: ['retainKeys'] }],
  ])('%s %j', (schema, path, meta) => {
    expect(fieldMeta(schema, path)).toMatchObject(meta)
  })

  test('nothing where there is no field', () => {
    expect(fieldMeta(POD_SCHEMA, ['spec', 'nope'])).toBeUndefined()
  })
})
