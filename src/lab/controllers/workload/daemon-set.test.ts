import { expect, test } from 'vitest'
import type { DaemonSet } from '../../../kube/apps.ts'
import type { Node, Pod, Taint } from '../../../kube/types.ts'
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
