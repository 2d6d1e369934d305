import { describe, expect, it, test } from 'vitest'
import type { Node, Pod, Taint, Toleration } from '../../kube/types.ts'
import { evictedInMs, isAbandoned, taintsFor } from './eviction.ts'

const NOW = '2026-11-22T20:00:00Z'
const nodeWith = (ready: string | undefined, taints: readonly Taint[] = []): Node => ({
  metadata: { name: 'a' },
  spec: { taints },
  status: { conditions: ready === undefined ? [] : [{ type: 'Ready', status: ready }] },
})
const taint = (key: string, effect: string, timeAdded?: string): Taint => ({
  key,
  effect,
  ...(timeAdded === undefined ? {} : { timeAdded }),
})
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const NOT_READY = 'node.kubernetes.io/not-ready'

describe('taints of a node', () => {
  const both = [taint(UNREACHABLE, 'NoSchedule', NOW), taint(UNREACHABLE, 'NoExecute', NOW)]
  test.each([
    ['silent', nodeWith('Unknown'), both],
    ['silent and tainted', nodeWith('Unknown', both), undefined],
    ['not ready', nodeWith('False'), [taint(NOT_READY, 'NoSchedule', NOW), taint(NOT_READY, 'NoExecute', NOW)]],
    ['back', nodeWith('True', [taint('mine', 'NoSchedule'), ...both]), [taint('mine', 'NoSchedule')]],
    ['well', nodeWith('True', [taint('mine', 'NoExecute')]), undefined],
    ['without a word yet', nodeWith(undefined), undefined],
  ])('%s', (_, node, wanted) => {
    expect(taintsFor(node, NOW)).toEqual(wanted)
  })
})

describe('eviction', () => {
  const admitted: readonly Toleration[] = [NOT_READY, UNREACHABLE].map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  }))
  const own = (tolerationSeconds?: number): Toleration => ({
    key: UNREACHABLE,
    operator: 'Exists',
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  })
  const lost = nodeWith('Unknown', [taint(UNREACHABLE, 'NoSchedule', NOW), taint(UNREACHABLE, 'NoExecute', NOW)])
  const by = (node: Node | undefined, tolerations: readonly Toleration[], deleted = false) => {
    const metadata = deleted ? { name: 'p', deletionTimestamp: NOW } : { name: 'p' }
    const pod: Pod = { metadata, spec: { nodeName: 'a', containers: [], tolerations } }
    const nowInMs = Date.parse(NOW) + 2_000
    return evictedInMs({ pod, node, seenAtInMs: nowInMs - 500, nowInMs, evictionInMs: 5_000 })
  }
  test.each([
    ['the toleration of admission lasts as asked', by(lost, admitted), 3_000],
    ['a pod without toleration goes at once', by(lost, []), 0],
    ["a pod's own time", by(lost, [own(60)]), 58_000],
    ['the shortest of two', by(lost, [own(60), own(10)]), 8_000],
    ['for ever', by(lost, [own()]), undefined],
    ['time that is over', by(lost, [own(1)]), 0],
    [
      'a taint without a time counts from when it was seen',
      by(nodeWith('True', [taint(UNREACHABLE, 'NoExecute')]), [own(1)]),
      500,
    ],
    ['NoSchedule evicts nobody', by(nodeWith('True', [taint('x', 'NoSchedule')]), []), undefined],
    ['a pod that goes already', by(lost, [], true), undefined],
  ])('%s', (_, waitInMs, wanted) => {
    expect(waitInMs).toBe(wanted)
  })

  it('gives up on pods that nobody else removes', () => {
    const pod = (deletionTimestamp?: string): Pod => ({
      metadata: { name: 'p', ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
      spec: { nodeName: 'a', containers: [] },
    })
    const off = taint('node.kubernetes.io/out-of-service', 'NoExecute')
    expect(isAbandoned(pod(NOW), nodeWith('Unknown', [off]))).toBe(true)
    expect(isAbandoned(pod(NOW), nodeWith('True', [off]))).toBe(false)
    expect(isAbandoned(pod(), nodeWith('Unknown', [off]))).toBe(false)
    expect(isAbandoned(pod(NOW), lost)).toBe(false)
    expect(isAbandoned(pod(), undefined)).toBe(true)
  })
})
