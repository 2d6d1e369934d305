import { describe, expect, test } from 'vitest'
import { fieldErrorDetail } from '../../field-error.ts'
import type { RawObject } from '../../kind.ts'
import { qosClass } from './defaults.ts'
import { pod } from './pod.ts'
import { type Container, type PodSpec, type PodStatus, specOf } from './types.ts'

const NOW_IN_MS = Date.parse('2026-11-22T12:00:00Z')

function make(spec: PodSpec, status: PodStatus = {}): RawObject {
  const object: RawObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: structuredClone(spec),
  }
  pod.defaults(object)
  object.status = status
  return object
}

const web = (more: Container = {}): Container => ({ name: 'web', image: 'nginx:1', ...more })
const said = (spec: PodSpec, old?: RawObject): readonly string[] =>
  pod.validate(make(spec), old, '').map((error) => `${error.field}: ${fieldErrorDetail(error)}`)

describe('a new pod is refused', () => {
  test.each<[string, PodSpec, readonly string[]]>([
    ['two containers of one name', { containers: [web(), web()] }, ['spec.containers[1].name: Duplicate value: "web"']],
    [
      'two containers on one host port',
      {
        containers: [
          web({ ports: [{ containerPort: 80, hostPort: 80 }] }),
          web({ name: 'b', ports: [{ containerPort: 81, hostPort: 80 }] }),
        ],
      },
      ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    ],
    [
      'a host port of another number on the host network',
      { hostNetwork: true, containers: [web({ ports: [{ containerPort: 80, hostPort: 81 }] })] },
      ['spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true'],
    ],
    [
      'a port of no number, and no protocol of that name',
      { containers: [web({ ports: [{ containerPort: 70000, protocol: 'ICMP' }] })] },
      [
        'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
        'spec.containers[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      ],
    ],
    [
      'a probe that does nothing',
      { containers: [web({ readinessProbe: {} })] },
      ['spec.containers[0].readinessProbe: Required value: must specify a handler type'],
    ],
    [
      'a hook that does nothing',
      { containers: [web({ lifecycle: { preStop: {} } })] },
      ['spec.containers[0].lifecycle.preStop: Required value: must specify a handler type'],
    ],
    [
      'a request above its limit, and a limit below zero',
      { containers: [web({ resources: { limits: { cpu: '500m', memory: '-1' }, requests: { cpu: '2', memory: '-2' } } })] },
      [
        'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 500m',
        'spec.containers[0].resources.requests[memory]: Invalid value: "-2": must be greater than or equal to 0',
      ],
    ],
    [
      'a restart policy of no name',
      { restartPolicy: 'Sometimes', containers: [web()] },
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"'],
    ],
    [
      'a mount of no volume',
      { containers: [web({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })] },
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
  ])('%s', (_name, spec, sentences) => {
    expect(said(spec)).toEqual(sentences)
  })

  test('but not the same host port for another protocol or address', () => {
    const ports = [
      { containerPort: 80, hostPort: 80 },
      { containerPort: 80, hostPort: 80, protocol: 'UDP' },
      { containerPort: 81, hostPort: 80, hostIP: '192.168.0.161' },
    ]
    expect(said({ containers: [web({ ports })] })).toEqual([])
  })
})

describe('a pod changes', () => {
  const stored = make({ containers: [web()] })

  test('its image', () => {
    expect(said({ containers: [web({ image: 'nginx:2' })] }, stored)).toEqual([])
  })

  test('nothing else of its containers', () => {
    const sentences = said({ containers: [web({ ports: [{ containerPort: 80 }] })] }, stored)
    expect(sentences).toHaveLength(1)
    expect(sentences[0]).toContain('spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,')
  })

  test('not its node, and no number of containers', () => {
    expect(said({ nodeName: 'ubuntu-1', containers: [web()] }, stored)[0]).toContain(
      'pod updates may not change fields other than',
    )
    expect(said({ containers: [web(), web({ name: 'b' })] }, stored)[0]).toBe(
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    )
  })
})

describe('binding', () => {
  const body = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'p' },
    target: { kind: 'Node', name: 'ubuntu-1' },
  } as RawObject

  test('puts the pod on a node, once', () => {
    const object = make({ containers: [web()] })
    expect(pod.actions?.binding?.act(object, body, NOW_IN_MS)).toEqual({ next: 'update' })
    expect(specOf(object).nodeName).toBe('ubuntu-1')
    expect(pod.actions?.binding?.act(object, body, NOW_IN_MS)).toEqual({
      conflict: 'pod p is already assigned to node "ubuntu-1"',
    })
  })

  test('not one that is being deleted', () => {
    const object = make({ containers: [web()] })
    object.metadata.deletionTimestamp = '2026-11-22T12:00:00Z'
    expect(pod.actions?.binding?.act(object, body, NOW_IN_MS)).toEqual({
      conflict: 'pod p is being deleted, cannot be assigned to a host',
    })
  })
})

test('a deletion waits for the kubelet only where there is one', () => {
  const grace = (spec: PodSpec, status: PodStatus = {}): number | undefined => pod.gracePeriodInSeconds?.(make(spec, status))
  expect(grace({ containers: [web()] })).toBe(0)
  expect(grace({ nodeName: 'n', containers: [web()] })).toBe(30)
  expect(grace({ nodeName: 'n', terminationGracePeriodSeconds: 5, containers: [web()] })).toBe(5)
  expect(grace({ nodeName: 'n', containers: [web()] }, { phase: 'Succeeded' })).toBe(0)
})

test('images without a tag or with latest are pulled each time', () => {
  const policy = (image: string): unknown =>
    (make({ containers: [{ name: 'a', image }] }).spec as PodSpec).containers?.[0]?.imagePullPolicy
  const policies = ['nginx', 'nginx:latest', 'nginx:1', 'reg:5000/nginx', 'nginx@sha256:0'].map(policy)
  expect(policies).toEqual(['Always', 'Always', 'IfNotPresent', 'Always', 'IfNotPresent'])
})

test('quality of service', () => {
  const of = (resources: Container['resources']): string => qosClass(make({ containers: [web({ resources })] }).spec as PodSpec)
  expect(of({})).toBe('BestEffort')
  expect(of({ requests: { cpu: '1' } })).toBe('Burstable')
  expect(of({ limits: { cpu: '1', memory: '1Gi' } })).toBe('Guaranteed')
  expect(of({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } })).toBe('Burstable')
})

describe('columns', () => {
  const row = (status: PodStatus, spec: PodSpec = { containers: [web()] }, deleted = false): readonly unknown[] => {
    const object = make(spec, status)
    if (deleted) object.metadata.deletionTimestamp = '2026-11-22T11:59:00Z'
    return pod.columns.slice(1, 4).map((column) => column.value(object, NOW_IN_MS))
  }

  test('of a running pod', () => {
    expect(row({ phase: 'Running', containerStatuses: [{ ready: true, state: { running: {} } }] })).toEqual([
      '1/1',
      'Running',
      '0',
    ])
  })

  test('of one that waits, crashed, finished, or ends', () => {
    const waiting = (reason: string): PodStatus => ({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason } } }] })
    expect(row(waiting('ErrImagePull'))).toEqual(['0/1', 'ErrImagePull', '0'])
    expect(row({ phase: 'Pending' })).toEqual(['0/1', 'Pending', '0'])
    expect(row({ phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 2 } } }] })).toEqual([
      '0/1',
      'ExitCode:2',
      '0',
    ])
    expect(
      row({ phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }] }),
    ).toEqual(['0/1', 'Completed', '0'])
    expect(row({ phase: 'Running', containerStatuses: [{ ready: true, state: { running: {} } }] }, undefined, true)).toEqual([
      '1/1',
      'Terminating',
      '0',
    ])
  })

  test('of one that was started again', () => {
    const lastState = { terminated: { exitCode: 1, finishedAt: '2026-11-22T11:59:55Z' } }
    const containerStatuses = [{ ready: true, restartCount: 1, state: { running: {} }, lastState }]
    expect(row({ phase: 'Running', containerStatuses })).toEqual(['1/1', 'Running', '1 (5s ago)'])
  })

  test('of one that initializes', () => {
    const spec = { initContainers: [web({ name: 'i' }), web({ name: 'j' })], containers: [web()] }
    const done = { name: 'i', state: { terminated: { exitCode: 0 } } }
    expect(row({ phase: 'Pending', initContainerStatuses: [done, { name: 'j', state: { running: {} } }] }, spec)).toEqual([
      '0/1',
      'Init:1/2',
      '0',
    ])
    expect(
      row({ phase: 'Pending', initContainerStatuses: [{ name: 'i', state: { waiting: { reason: 'CrashLoopBackOff' } } }] }, spec),
    ).toEqual(['0/1', 'Init:CrashLoopBackOff', '0'])
  })
})
