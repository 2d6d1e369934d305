import { expect, test } from 'vitest'
import type { DaemonSet } from '../../../kube/apps.ts'
import type { Node, Pod, Taint } from '../../../kube/types.ts'
import { planRevisions, revisionHash } from './daemon-revision.ts'
import { daemonPod, planDaemonSet } from './daemon-set.ts'

const NOW = Date.parse('2026-11-22T20:00:00Z')
const node = (name: string, taints: readonly Taint[] = [], labels = {}): Node => ({
  metadata: { name, labels },
  spec: { taints },
})
const setOf = (image: string, more: object = {}, spec: object = {}): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'd', namespace: 'n', uid: 'd', generation: 1 },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image }], ...spec } },
    ...more,
  },
})
const running = (set: DaemonSet, on: string, ready = true, metadata: object = {}): Pod => {
  const pod = daemonPod(set, on)
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-11-22T19:00:00Z' }]
  return {
    ...pod,
    metadata: { ...pod.metadata, name: on, uid: on, ...metadata },
    spec: { containers: [], ...pod.spec, nodeName: on },
    status: { phase: 'Running', conditions },
  }
}
const meant = ({ spec }: Pod): string => JSON.stringify(spec).match(/"values":\["(.*?)"\]/)?.[1] ?? ''
const planned = (set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]) => {
  const { create, remove, status } = planDaemonSet({ set, nodes, pods, nowInMs: NOW })
  return { create: create.map(meant), remove: remove.map((pod) => pod.metadata.uid), status }
}
const v0 = setOf('v0')
const v1 = setOf('v1')
const three = [node('a'), node('b'), node('c')]
const taint = (key: string, effect: string): Taint => ({ key, effect })

test.each([
  ['a pod on every node', v0, three, [], ['a', 'b', 'c'], []],
  ['only what is missing', v0, three, [running(v0, 'b')], ['a', 'c'], []],
  ['not where a taint forbids', v0, [node('a', [taint('x', 'NoSchedule')]), node('b')], [], ['b'], []],
  ['a cordoned and a dead node too', v0, [node('a', [taint('node.kubernetes.io/unschedulable', 'NoSchedule')])], [], ['a'], []],
  ['what is there stays under NoSchedule', v0, [node('a', [taint('x', 'NoSchedule')])], [running(v0, 'a')], [], []],
  ['and goes under NoExecute', v0, [node('a', [taint('x', 'NoExecute')])], [running(v0, 'a')], [], ['a']],
  [
    'where the selector says',
    setOf('v0', {}, { nodeSelector: { k: 'v' } }),
    [node('a'), node('b', [], { k: 'v' })],
    [],
    ['b'],
    [],
  ],
  ['waits for one that goes', v0, [node('a')], [running(v0, 'a', true, { deletionTimestamp: 'now' })], [], []],
  ['one old pod at a time', v1, three, [running(v0, 'a'), running(v0, 'b'), running(v0, 'c')], [], ['a']],
  ['none while another is away', v1, three, [running(v1, 'a', false), running(v0, 'b'), running(v0, 'c')], [], []],
  [
    'an old pod that serves nobody goes at once',
    v1,
    three,
    [running(v0, 'a', false), running(v0, 'b'), running(v0, 'c')],
    [],
    ['a'],
  ],
  [
    'as many as may be away',
    setOf('v1', { updateStrategy: { rollingUpdate: { maxUnavailable: '50%' } } }),
    three,
    three.map(({ metadata }) => running(v0, metadata.name ?? '')),
    [],
    ['a', 'b'],
  ],
  ['OnDelete renews nothing', setOf('v1', { updateStrategy: { type: 'OnDelete' } }), [node('a')], [running(v0, 'a')], [], []],
] as const)('%s', (_, set, nodes, pods, create, remove) => {
  expect(planned(set, nodes, pods)).toMatchObject({ create, remove })
})

test('the status counts nodes', () => {
  const pods = [running(v1, 'a'), running(v0, 'b', false)]
  expect(planned(v1, three, pods).status).toEqual({
    currentNumberScheduled: 2,
    desiredNumberScheduled: 3,
    numberMisscheduled: 0,
    numberReady: 1,
    numberAvailable: 1,
    numberUnavailable: 2,
    updatedNumberScheduled: 1,
    observedGeneration: 1,
  })
})

const surge = (image: string, maxSurge: number | string = 1) =>
  setOf(image, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable: 0 } } })
const [s0, s1] = [surge('v0'), surge('v1')]
const both = (set: DaemonSet, on: string, ready: boolean) => running(set, on, ready, { uid: `new-${on}`, name: `new-${on}` })
test.each([
  ['the new pod first, on one node', s1, [running(s0, 'a'), running(s0, 'b'), running(s0, 'c')], ['a'], []],
  [
    'none more while one is not available',
    s1,
    [running(s0, 'a'), both(s1, 'a', false), running(s0, 'b'), running(s0, 'c')],
    [],
    [],
  ],
  [
    'then the old one goes, and the next node has its turn',
    s1,
    [running(s0, 'a'), both(s1, 'a', true), running(s0, 'b'), running(s1, 'c')],
    ['b'],
    ['a'],
  ],
  ['at once where the old pod serves nobody', s1, [running(s0, 'a', false), running(s0, 'b'), running(s0, 'c')], ['a', 'b'], []],
  ['as many as may surge', surge('v1', '50%'), [running(s0, 'a'), running(s0, 'b'), running(s0, 'c')], ['a', 'b'], []],
] as const)('with surge: %s', (_, set, pods, create, remove) => {
  expect(planned(set, three, pods)).toMatchObject({ create, remove })
})

test('each template has a revision; the present one is the newest, also after an undo', () => {
  const first = planRevisions(v0, [], []).create
  expect(first).toMatchObject([
    {
      metadata: { name: `d-${revisionHash(v0)}`, labels: { app: 'd', 'controller-revision-hash': revisionHash(v0) } },
      revision: 1,
      data: { spec: { template: { spec: { containers: [{ image: 'v0' }] }, $patch: 'replace' } } },
    },
  ])
  expect(planRevisions(v0, first, [])).toEqual({ create: [], update: [], remove: [] })
  const second = planRevisions(v1, first, []).create
  expect(second.map(({ revision }) => revision)).toEqual([2])
  const undone = planRevisions(v0, [...second, ...first], [])
  expect([undone.create, undone.update.map(({ revision, metadata }) => [metadata.name, revision])]).toEqual([
    [],
    [[first[0]?.metadata.name, 3]],
  ])
})

test('old revisions go, the oldest first, unless pods are of them', () => {
  const revisions = ['a', 'b', 'c'].flatMap((image, index) =>
    planRevisions(setOf(image), [], []).create.map((each) => ({ ...each, revision: index + 1 })),
  )
  const set = setOf('c', { revisionHistoryLimit: 1 })
  const removed = (pods: readonly Pod[]) => planRevisions(set, revisions, pods).remove.map(({ revision }) => revision)
  expect(removed([])).toEqual([1])
  expect(removed([running(setOf('a'), 'n')])).toEqual([2])
})
