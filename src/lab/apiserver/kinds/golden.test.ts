/** Every recorded default and refusal of a real API server, through decoding, defaults, preparation, validation and allocation. */
import { describe, expect, test } from 'vitest'
import { invalidStatus } from '../field-error.ts'
import type { FieldError, KindRecord, RawObject } from '../kind.ts'
import { decodeStrict } from '../schema/schema.ts'
import { makeKinds } from './index.ts'
import { comparable, readRecorded } from './recorded.ts'

/** The recorded cluster had one range; 10.96.0.1 was its own Service's, 30718 that of e1. */
function cluster(): readonly KindRecord[] {
  const kinds = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30000, 32767] })
  const restore = (spec: object): void =>
    kinds
      .find(({ kind }) => kind === 'Service')
      ?.allocation?.restore({ apiVersion: 'v1', kind: 'Service', metadata: {}, spec } as RawObject)
  restore({ type: 'ClusterIP', clusterIPs: ['10.96.0.1'] })
  restore({ type: 'NodePort', clusterIPs: ['10.101.106.103'], ports: [{ port: 80, nodePort: 30718 }] })
  return kinds
}

interface Outcome {
  readonly object: RawObject
  readonly errors: readonly FieldError[]
}

/** What the machinery does with a write, without storing: `old` is what is stored. */
function write(kind: KindRecord, raw: RawObject, old?: RawObject, subresource = ''): Outcome {
  const object = decodeStrict(kind, raw).pruned
  if (kind.namespaced) object.metadata.namespace = 'default'
  kind.defaults(object)
  if (old !== undefined && subresource === '') object.status = structuredClone(old.status)
  if (old === undefined) expect(kind.admit?.(object)).toBe(undefined)
  if (subresource === '') kind.prepare?.(object, old)
  const refused = kind.allocation?.allocate(object, old, false) ?? []
  if (refused.length > 0) return { object, errors: refused }
  const errors = kind.validate(object, old, subresource)
  if (errors.length > 0) kind.allocation?.release(object, old)
  return { object, errors }
}

const kindOf = (kinds: readonly KindRecord[], raw: RawObject): KindRecord | undefined => {
  const [version = '', group = ''] = raw.apiVersion.split('/').toReversed()
  return kinds.find((kind) => kind.kind === raw.kind && kind.group === group && kind.version === version)
}

describe('defaults', () => {
  interface Case {
    readonly request?: RawObject
    readonly response?: RawObject
  }
  const recorded = Object.entries(readRecorded<Record<string, Case>>('defaults/defaults.json'))
  /** Follows from another object; asked over HTTP with the rest of the recording. */
  const NOT_ALONE = 'ingress-with-default-class'
  const served = recorded.filter(
    ([name, { request }]) => name !== NOT_ALONE && request !== undefined && kindOf(cluster(), request) !== undefined,
  )

  test('most of the recording is of kinds that are served', () => {
    expect(served.length).toBeGreaterThan(31)
  })

  test.each(served)('%s', (_name, { request, response }) => {
    const kind = kindOf(cluster(), request as RawObject) as KindRecord
    const { object, errors } = write(kind, request as RawObject)
    expect(errors).toEqual([])
    expect(comparable(object)).toEqual(comparable(response as RawObject))
  })
})

describe('type transitions of a Service', () => {
  interface Step {
    readonly step: string
    readonly patch: { readonly spec: Record<string, unknown> }
    readonly status: number
    readonly spec?: Record<string, unknown>
    readonly causes?: readonly unknown[]
  }
  const steps = readRecorded<Record<string, readonly Step[]>>('defaults/defaults.json')[
    'service-type-transitions'
  ] as readonly Step[]

  test('each step as recorded', () => {
    const service = cluster().find(({ kind }) => kind === 'Service') as KindRecord
    const head = { apiVersion: 'v1', kind: 'Service', metadata: { name: 't-1' } }
    let stored = write(service, { ...head, spec: { ports: [{ port: 80 }] } }).object
    for (const { step, patch, status, spec, causes } of steps) {
      const merged = { ...stored, spec: { ...(stored.spec as object), ...patch.spec } }
      const { object, errors } = write(service, merged as RawObject, stored)
      if (status !== 200) {
        expect(invalidStatus(service, 't-1', errors).details.causes, step).toEqual(causes)
        continue
      }
      expect(errors, step).toEqual([])
      service.allocation?.release(stored, object)
      expect(comparable({ ...head, spec: object.spec }), step).toEqual(comparable({ ...head, spec }))
      stored = object
    }
  })
})

describe('refusals', () => {
  interface Case {
    readonly method: string
    readonly path: string
    readonly request?: RawObject
    readonly status: number
    readonly body: { readonly reason?: string; readonly details?: { readonly kind?: string } }
  }
  /** Names and labels, options and patches are the machinery's: the test of the server over HTTP has them. */
  const OF_THE_MACHINERY = new Set(['svc-bad-name-long', 'svc-bad-label', 'svc-bad-dryrun'])
  const kinds = cluster()
  const recorded = Object.entries(readRecorded<Record<string, Case>>('errors/errors.json')).filter(
    ([name, { method, status, request }]) =>
      method === 'POST' &&
      status === 422 &&
      !OF_THE_MACHINERY.has(name) &&
      request?.kind !== undefined &&
      kindOf(kinds, request) !== undefined,
  )

  test('the recording has them', () => {
    expect(recorded.length).toBeGreaterThan(28)
  })

  test.each(recorded)('%s', (_name, { request, body }) => {
    const kind = kindOf(kinds, request as RawObject) as KindRecord
    const { errors } = write(kind, request as RawObject)
    expect(invalidStatus(kind, request?.metadata.name ?? '', errors)).toEqual(body)
  })

  test('a load balancer status on a NodePort Service', () => {
    const service = kinds.find(({ kind }) => kind === 'Service') as KindRecord
    const old = write(service, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'e1' },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    }).object
    const { errors } = write(service, { ...old, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } }, old, 'status')
    expect(invalidStatus(service, 'e1', errors)).toEqual(
      readRecorded<Record<string, Case>>('errors/errors.json')['status-lb-on-nodeport']?.body,
    )
  })
})
