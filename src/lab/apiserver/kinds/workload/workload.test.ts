import { describe, expect, test } from 'vitest'
import { fieldErrorDetail } from '../../field-error.ts'
import type { KindRecord, RawObject } from '../../kind.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { replicaSet } from './replica-set.ts'

type Spec = Record<string, unknown>

const template = (labels: object = { app: 'a' }, spec: object = {}) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'a', image: 'x' }], ...spec },
})
const whole = (more: Spec = {}): Spec => ({ selector: { matchLabels: { app: 'a' } }, template: template(), ...more })

function make(kind: KindRecord, spec: Spec, old?: RawObject): RawObject {
  const metadata = { name: 'w', namespace: 'default' }
  const object: RawObject = { apiVersion: 'apps/v1', kind: kind.kind, metadata, spec: structuredClone(spec) }
  kind.defaults(object)
  kind.prepare?.(object, old)
  return object
}

const said = (kind: KindRecord, spec: Spec, old?: RawObject): readonly string[] =>
  kind.validate(make(kind, spec), old, '').map((error) => `${error.field}: ${fieldErrorDetail(error)}`)

describe('what is refused', () => {
  test.each<[string, KindRecord, Spec, readonly string[]]>([
    ['no selector', deployment, { template: template() }, ['spec.selector: Required value']],
    [
      'an empty selector',
      deployment,
      whole({ selector: {} }),
      ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    ],
    [
      'a template that is not selected',
      deployment,
      whole({ template: template({ app: 'b' }) }),
      ['spec.template.metadata.labels: Invalid value: {"app":"b"}: `selector` does not match template `labels`'],
    ],
    [
      'a bad template, under its path',
      replicaSet,
      whole({ template: template({ app: 'a' }, { containers: [{ name: 'a' }], restartPolicy: 'Never' }) }),
      [
        'spec.template.spec.containers[0].image: Required value',
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      ],
    ],
    [
      'fewer than no pods',
      deployment,
      whole({ replicas: -1 }),
      ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'an update that could not move',
      deployment,
      whole({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      'more than all, and what is no share',
      deployment,
      whole({ strategy: { rollingUpdate: { maxSurge: 'x', maxUnavailable: '101%' } } }),
      [
        expect.stringContaining('spec.strategy.rollingUpdate.maxSurge: Invalid value: "x": a valid percent string'),
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
      ],
    ],
    [
      'a deadline before the pods count',
      deployment,
      whole({ minReadySeconds: 600 }),
      ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds'],
    ],
    [
      'Recreate with numbers',
      deployment,
      whole({ strategy: { type: 'Recreate', rollingUpdate: {} } }),
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      'a daemon set that is both ways patient',
      daemonSet,
      whole({ updateStrategy: { rollingUpdate: { maxSurge: 1 } } }),
      ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
    ],
    [
      'a daemon set of no known strategy',
      daemonSet,
      whole({ updateStrategy: { type: 'X' } }),
      ['spec.updateStrategy.type: Unsupported value: "X": supported values: "RollingUpdate", "OnDelete"'],
    ],
    [
      'a selector that means nothing',
      deployment,
      whole({ selector: { matchExpressions: [{ key: 'app', operator: 'In' }] } }),
      [
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        expect.stringContaining('`selector` does not match template `labels`'),
      ],
    ],
  ])('%s', (_name, kind, spec, sentences) => {
    expect(said(kind, spec)).toEqual(sentences)
  })

  test.each([deployment, replicaSet, daemonSet])('another selector than at creation', (kind) => {
    const old = make(kind, whole())
    const changed = whole({ selector: { matchLabels: { app: 'a', tier: 'b' } }, template: template({ app: 'a', tier: 'b' }) })
    expect(said(kind, changed, old)).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"a","tier":"b"}}: field is immutable',
    ])
  })
})

test('a daemon set has its defaults, and counts its templates', () => {
  const first = make(daemonSet, whole())
  expect(first.spec).toMatchObject({
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    revisionHistoryLimit: 10,
  })
  const GENERATION = 'deprecated.daemonset.template.generation'
  expect(first.metadata.annotations?.[GENERATION]).toBe('1')
  expect(make(daemonSet, whole({ minReadySeconds: 5 }), first).metadata.annotations?.[GENERATION]).toBe('1')
  const changed = whole({ template: template({ app: 'a', v: '2' }) })
  expect(make(daemonSet, changed, first).metadata.annotations?.[GENERATION]).toBe('2')
})
