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

describe('company and room', () => {
  const labelled = (app: string, spec: object = {}, metadata: object = {}): Pod => {
    const made = pod(spec)
    return { ...made, metadata: { ...made.metadata, labels: { app }, ...metadata } }
  }
  const owned = (uid: string, metadata: object = {}) =>
    labelled('x', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'R', name: 'r', uid, controller: true }], ...metadata })
  const apart = (app: string) => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } },
  })
  const together = (app: string) => ({
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } },
  })
  const term = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: 'kubernetes.io/hostname' })
  const asking = (requests: object): Pod => pod({ containers: [{ name: 'c', resources: { requests } }] })
  const sized = (name: string, allocatable: Record<string, string>): Node => {
    const made = node(name)
    return { ...made, status: { ...made.status, allocatable } }
  }
  const two = [node('a'), node('b')]
  const problem = (decision: ReturnType<typeof schedule>) =>
    'problem' in decision ? decision.problem.split('. no new')[0] : 'fits'

  it('keeps the pods of one owner apart before it looks at how full nodes are', () => {
    const busy = [pod(), pod(), pod()]
    expect(schedule(owned('o'), cluster(two, { a: [owned('o')], b: busy }))).toEqual({ node: 'b' })
    expect(schedule(owned('o'), cluster(two, { a: [owned('p')], b: busy }))).toEqual({ node: 'a' })
  })

  it('does not shun a node for pods that are on their way out, but lets them keep their ports', () => {
    const going = { deletionTimestamp: '2026-01-01T00:00:00Z' }
    expect(schedule(owned('o'), cluster(two, { a: [owned('o', going)], b: [pod()] }))).toEqual({ node: 'a' })
    const port = { ...withPort(80), metadata: { name: 'q', namespace: 'default', ...going } }
    expect(schedule(withPort(80), cluster(two, { a: [port] }))).toEqual({ node: 'b' })
  })

  it('counts what is asked for against what nodes have', () => {
    const small = sized('a', { cpu: '1', memory: '1Gi', pods: '2' })
    expect(schedule(asking({ cpu: '500m', memory: '512Mi' }), cluster([small], { a: [asking({ cpu: '0.5' })] }))).toEqual({
      node: 'a',
    })
    expect(schedule(asking({ cpu: '600m', memory: '2Gi' }), cluster([small], { a: [asking({ cpu: '500m' })] }))).toEqual({
      problem:
        '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    })
    expect(problem(schedule(pod(), cluster([small], { a: [pod(), pod()] })))).toBe('0/1 nodes are available: 1 Too many pods')
    expect(problem(schedule(asking({ 'example.com/gpu': '1' }), cluster([small])))).toContain('1 Insufficient example.com/gpu')
    expect(
      schedule(asking({ cpu: '1' }), cluster([small], { a: [{ ...asking({ cpu: '1' }), status: { phase: 'Failed' } }] })),
    ).toEqual({
      node: 'a',
    })
  })

  it('keeps away from pods that a pod does not want near, and those that do not want it', () => {
    const web = labelled('web', apart('web'))
    expect(schedule(web, cluster(two, { a: [labelled('web')] }))).toEqual({ node: 'b' })
    expect(problem(schedule(web, cluster(two, { a: [labelled('web')], b: [labelled('web')] })))).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules",
    )
    expect(problem(schedule(labelled('web'), cluster([node('a')], { a: [web] })))).toBe(
      "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules",
    )
    expect(
      schedule(labelled('web', apart('web'), { namespace: 'other' }), cluster([node('a')], { a: [labelled('web')] })),
    ).toEqual({
      node: 'a',
    })
  })

  it('stays near those that a pod wants near; the first of a group may be anywhere', () => {
    expect(schedule(labelled('web', together('db')), cluster(two, { b: [labelled('db')] }))).toEqual({ node: 'b' })
    expect(problem(schedule(labelled('web', together('db')), cluster(two)))).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod affinity rules",
    )
    expect(schedule(labelled('web', together('web')), cluster(two))).toEqual({ node: 'a' })
  })

  it('spreads over zones as far as constraints say', () => {
    const zoned = ['a', 'b', 'c'].map((name) => node(name, { labels: { zone: name === 'c' ? 'z2' : 'z1' } }))
    const constraint = {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'w' } },
    }
    const wish = labelled('w', { topologySpreadConstraints: [constraint] })
    expect(schedule(wish, cluster(zoned, { a: [labelled('w')], c: [pod(), pod(), pod()] }))).toEqual({ node: 'c' })
    const full = cluster([...zoned.slice(0, 2), node('c', { labels: { zone: 'z2' }, cordoned: true })], { a: [labelled('w')] })
    expect(problem(schedule(wish, full))).toBe(
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints",
    )
    expect(problem(schedule(wish, cluster([node('a')])))).toContain('(missing required label)')
  })
})

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
