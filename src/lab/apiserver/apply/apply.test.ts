import { describe, expect, test } from 'vitest'
import type { RawObject } from '../kind.ts'
import { applyConfig } from './apply.ts'
import { decodeFields, encodeFields, rootMeta } from './field-set.ts'
import { type Manager, ownAfterUpdate } from './managed-fields.ts'

const KIND = { schema: 'io.k8s.api.core.v1.Service', subresources: ['status'] }
const TIME = '2026-01-01T00:00:00Z'
const LATER = '2026-01-02T00:00:00Z'

const applier = (manager: string): Manager => ({ manager, operation: 'Apply', apiVersion: 'v1', subresource: '' })
const updater = (manager: string): Manager => ({ ...applier(manager), operation: 'Update' })
const service = (spec: object, metadata: object = {}): RawObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's', ...metadata },
  spec,
})
const apply = (live: RawObject, manager: string, config: RawObject, force = false): RawObject =>
  applyConfig({ root: rootMeta(KIND), manager: applier(manager), force, time: LATER }, live, config)
const fieldsOf = (object: RawObject, manager: string): unknown =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1

const EMPTY = service({})
const PORT = { port: 80, protocol: 'TCP' }
const KEY = 'k:{"port":80,"protocol":"TCP"}'

describe('ownership by update', () => {
  test('a creator owns what it set, in the form of a real server', () => {
    const object = service({ type: 'NodePort', selector: { a: 'b' }, ports: [PORT] }, { labels: { x: 'y' } })
    ownAfterUpdate(KIND, object, undefined, updater('kubectl'), TIME)
    expect(object.metadata.managedFields).toEqual([
      {
        manager: 'kubectl',
        operation: 'Update',
        apiVersion: 'v1',
        time: TIME,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } },
          'f:spec': {
            'f:ports': { '.': {}, [KEY]: { '.': {}, 'f:port': {}, 'f:protocol': {} } },
            'f:selector': {},
            'f:type': {},
          },
        },
      },
    ])
  })

  test('what another changes is the other one`s; what is gone is nobody`s', () => {
    const old = service({ type: 'ClusterIP', sessionAffinity: 'None' })
    ownAfterUpdate(KIND, old, undefined, updater('first'), TIME)
    const changed = structuredClone(old)
    changed.spec = { type: 'NodePort' }
    ownAfterUpdate(KIND, changed, old, updater('second'), LATER)
    expect([fieldsOf(changed, 'first'), fieldsOf(changed, 'second')]).toEqual([undefined, { 'f:spec': { 'f:type': {} } }])
  })

  test('a change of nothing leaves owners and times alone', () => {
    const old = service({ type: 'ClusterIP' })
    ownAfterUpdate(KIND, old, undefined, updater('first'), TIME)
    const same = structuredClone(old)
    ownAfterUpdate(KIND, same, old, updater('second'), LATER)
    expect(same).toEqual(old)
  })
})

describe('server-side apply', () => {
  test('merges lists by their keys; a port without protocol is the TCP one', () => {
    const live = apply(EMPTY, 'a', service({ ports: [{ ...PORT, name: 'http' }] }))
    const result = apply(live, 'b', service({ ports: [{ port: 80, targetPort: 8080 }, { port: 443 }] }))
    expect((result.spec as { ports: unknown }).ports).toEqual([{ ...PORT, name: 'http', targetPort: 8080 }, { port: 443 }])
  })

  test('what an applier leaves out goes, unless another wants it', () => {
    const first = apply(EMPTY, 'a', service({ selector: { a: 'b' }, type: 'NodePort', ports: [PORT] }))
    const shared = apply(first, 'b', service({ ports: [PORT] }))
    const result = apply(shared, 'a', service({ type: 'NodePort' }))
    expect(result.spec).toEqual({ type: 'NodePort', ports: [PORT] })
    expect(apply(result, 'b', service({ type: 'NodePort' })).spec).toEqual({ type: 'NodePort', ports: [] })
  })

  test('conflicts are refused in the real words, force takes over', () => {
    const live = service({ type: 'NodePort', sessionAffinity: 'None', ports: [PORT] })
    ownAfterUpdate(KIND, live, undefined, updater('kubectl'), TIME)
    const one = service({ sessionAffinity: 'ClientIP' })
    expect(() => apply(live, 'b', one)).toThrow(
      'Apply failed with 1 conflict: conflict with "kubectl" using v1: .spec.sessionAffinity',
    )
    expect(() => apply(live, 'b', service({ type: 'ClusterIP', sessionAffinity: 'ClientIP' }))).toThrow(
      'Apply failed with 2 conflicts: conflicts with "kubectl" using v1:\n- .spec.type\n- .spec.sessionAffinity',
    )
    const taken = apply(live, 'b', one, true)
    expect((taken.spec as { sessionAffinity: string }).sessionAffinity).toBe('ClientIP')
    expect(fieldsOf(taken, 'b')).toEqual({ 'f:spec': { 'f:sessionAffinity': {} } })
    expect(JSON.stringify(fieldsOf(taken, 'kubectl'))).not.toContain('sessionAffinity')
  })

  test('agreeing with another is no conflict: both own the field', () => {
    const live = apply(EMPTY, 'a', service({ type: 'NodePort' }))
    const both = apply(live, 'b', service({ type: 'NodePort' }))
    expect([fieldsOf(both, 'a'), fieldsOf(both, 'b')]).toEqual([{ 'f:spec': { 'f:type': {} } }, { 'f:spec': { 'f:type': {} } }])
  })

  test('applying the same again changes nothing', () => {
    const config = service({ type: 'NodePort', ports: [PORT] }, { labels: { a: 'b' } })
    const live = apply(EMPTY, 'a', config)
    expect(apply(live, 'a', config)).toEqual(live)
  })
})

test('field sets survive being written and read', () => {
  const fields = {
    'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } },
    'f:spec': { 'f:ports': { [KEY]: { '.': {}, 'f:port': {} } }, 'f:type': {} },
  }
  expect(encodeFields(decodeFields(fields))).toEqual(fields)
})
