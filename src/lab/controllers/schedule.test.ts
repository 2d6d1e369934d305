import { describe, expect, it } from 'vitest'
import type { Node, Pod, Taint, Toleration } from '../../kube/types.ts'
import { claimsClash, hostPortsClash, type PortClaim, portClaims } from './port-claims.ts'
import { isPending, schedule } from './schedule.ts'

interface NodeWish {
  readonly cordoned?: boolean
  readonly ready?: boolean
  readonly taints?: readonly Taint[]
  readonly labels?: Record<string, string>
}

const node = (name: string, { cordoned, ready = true, taints, labels }: NodeWish = {}): Node => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  spec: { unschedulable: cordoned, taints },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
})
const pod = (spec: object = {}, phase = 'Pending'): Pod => ({
  metadata: { name: 'p', namespace: 'default' },
  spec: { containers: [], ...spec },
  status: { phase },
})
const withPort = (hostPort: number, more: object = {}, spec: object = {}): Pod =>
  pod({ containers: [{ name: 'c', ports: [{ containerPort: hostPort, hostPort, ...more }] }], ...spec })
const cluster = (nodes: readonly Node[], pods: Record<string, readonly Pod[]> = {}) => ({
  nodes,
  podsOf: new Map(Object.entries(pods)),
})

describe('the scheduler', () => {
  it('takes the node with the fewest pods, then the first by name', () => {
    expect(schedule(pod(), cluster([node('b'), node('a')]))).toEqual({ node: 'a' })
    expect(schedule(pod(), cluster([node('a'), node('b')], { a: [pod()] }))).toEqual({ node: 'b' })
    expect(schedule(pod(), cluster([node('a'), node('b')], { a: [pod({}, 'Succeeded')] }))).toEqual({ node: 'a' })
  })

  it('says in the words of a real one why no node fits', () => {
    const nodes = [node('a'), node('b', { cordoned: true }), node('c', { cordoned: true })]
    expect(schedule(withPort(80), cluster(nodes, { a: [withPort(80)] }))).toEqual({
      problem:
        "0/3 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 2 node(s) were unschedulable. " +
        'no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    })
    expect(schedule(pod(), cluster([]))).toEqual({ problem: 'no nodes available to schedule pods' })
  })

  it('matches the recorded words for ports that are taken everywhere', () => {
    expect(schedule(withPort(80), cluster([node('a'), node('b')], { a: [withPort(80)], b: [withPort(80)] }))).toEqual({
      problem:
        "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports. " +
        'no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
    })
  })

  const noSchedule: Taint = { key: 'k', value: 'v', effect: 'NoSchedule' }
  it.each<[string, NodeWish, object, boolean]>([
    ['a node that is not ready', { ready: false }, {}, false],
    ['a tainted node', { taints: [noSchedule] }, {}, false],
    ['a taint that is only a preference', { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] }, {}, true],
    ['a tolerated taint', { taints: [noSchedule] }, { tolerations: [{ key: 'k', value: 'v' } satisfies Toleration] }, true],
    ['another value', { taints: [noSchedule] }, { tolerations: [{ key: 'k', value: 'w', operator: 'Equal' }] }, false],
    ['another effect', { taints: [noSchedule] }, { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }] }, false],
    [
      'a pod that tolerates all',
      { taints: [noSchedule], cordoned: true, ready: false },
      { tolerations: [{ operator: 'Exists' }] },
      true,
    ],
    ['a selector that matches', { labels: { disk: 'ssd' } }, { nodeSelector: { disk: 'ssd' } }, true],
    ['a selector that does not', {}, { nodeSelector: { disk: 'ssd' } }, false],
    [
      'an affinity that matches',
      { labels: { disk: 'ssd' } },
      affinity({ key: 'disk', operator: 'In', values: ['hdd', 'ssd'] }),
      true,
    ],
    [
      'an affinity that does not',
      { labels: { disk: 'ssd' } },
      affinity({ key: 'disk', operator: 'NotIn', values: ['ssd'] }),
      false,
    ],
    ['a greater number', { labels: { gen: '3' } }, affinity({ key: 'gen', operator: 'Gt', values: ['2'] }), true],
  ])('%s', (_what, wish, spec, fits) => {
    expect('node' in schedule(pod(spec), cluster([node('a', wish)]))).toBe(fits)
  })

  it('waits for pods of its own that are neither placed nor going', () => {
    expect(isPending(pod())).toBe(true)
    expect(isPending(pod({ nodeName: 'a' }))).toBe(false)
    expect(isPending(pod({ schedulerName: 'mine' }))).toBe(false)
    expect(isPending(pod({ schedulingGates: [{ name: 'g' }] }))).toBe(false)
    expect(isPending({ ...pod(), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })).toBe(false)
  })
})

function affinity(requirement: object): object {
  const nodeSelectorTerms = [{ matchExpressions: [requirement] }]
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } }
}

describe('port claims', () => {
  const claim = (port: number, hostIP = '0.0.0.0', protocol = 'TCP'): PortClaim => ({ port, hostIP, protocol })
  it.each<[PortClaim, PortClaim, boolean]>([
    [claim(80), claim(80), true],
    [claim(80), claim(81), false],
    [claim(80), claim(80, '0.0.0.0', 'UDP'), false],
    [claim(80, '10.0.0.1'), claim(80, '10.0.0.2'), false],
    [claim(80, '10.0.0.1'), claim(80, '10.0.0.1'), true],
    [claim(80, '127.0.0.1'), claim(80), true],
  ])('%j and %j', (one, other, clash) => {
    expect(claimsClash(one, other)).toBe(clash)
    expect(claimsClash(other, one)).toBe(clash)
  })

  it('takes what hostNetwork pods declare', () => {
    const host = pod({ hostNetwork: true, containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] })
    expect(portClaims(host)).toEqual([claim(80)])
    expect(hostPortsClash(host, [withPort(80, { hostIP: '10.0.0.1' })])).toBe(true)
    expect(portClaims(pod({ containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] }))).toEqual([])
  })
})
