import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ReplicaSet } from '../../../kube/apps.ts'
import type { Pod } from '../../../kube/types.ts'
import { OwnWrites } from '../own-writes.ts'
import { deletionOrder } from './deletion-order.ts'
import { adoption, claim, releasing } from './ownership.ts'
import { planReplicas, podOf, replicaSetStatus } from './replica-set.ts'

const NOW = Date.parse('2026-11-22T20:00:00Z')
const agoInS = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString()
const SET: ReplicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 's', namespace: 'n', uid: 's', generation: 3 },
  spec: { replicas: 2, selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } } } },
}

interface Shape {
  readonly node?: string
  readonly phase?: string
  readonly readyForS?: number
  readonly ageInS?: number
  readonly cost?: string
  readonly restarts?: number
  readonly going?: boolean
}

function pod(
  uid: string,
  { node = 'a', phase = 'Running', readyForS, ageInS = 100, cost, restarts = 0, going }: Shape = {},
): Pod {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: agoInS(readyForS ?? 0) }
  const annotations: Record<string, string> = cost === undefined ? {} : { 'controller.kubernetes.io/pod-deletion-cost': cost }
  const base = podOf(SET).metadata
  return {
    metadata: {
      ...base,
      name: uid,
      uid,
      annotations,
      creationTimestamp: agoInS(ageInS),
      ...(going === true ? { deletionTimestamp: agoInS(1) } : {}),
    },
    spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
    status: {
      phase,
      conditions: readyForS === undefined ? [] : [ready],
      containerStatuses: [{ name: 'c', ready: true, restartCount: restarts, image: '', imageID: '' }],
    },
  }
}

describe('what goes first', () => {
  test.each([
    ['without a node', pod('1', { node: '', phase: 'Pending' }), pod('2', { phase: 'Pending' })],
    ['pending', pod('2', { phase: 'Pending' }), pod('1')],
    ['not ready', pod('2'), pod('1', { readyForS: 50 })],
    ['cheaper', pod('2', { readyForS: 900, cost: '-1' }), pod('1', { readyForS: 1 })],
    ['where there are most', pod('2', { readyForS: 900, node: 'b' }), pod('1', { readyForS: 1 })],
    ['ready for a shorter time', pod('2', { readyForS: 1 }), pod('1', { readyForS: 100 })],
    ['more restarts', pod('2', { readyForS: 9, restarts: 3 }), pod('1', { readyForS: 9 })],
    ['younger', pod('2', { readyForS: 9, ageInS: 10 }), pod('1', { readyForS: 9, ageInS: 1000 })],
    ['of the same age, by uid', pod('1', { readyForS: 9, ageInS: 10 }), pod('2', { readyForS: 9, ageInS: 11 })],
  ])('%s', (_, first, second) => {
    const crowd = new Map([['b', 2]])
    expect(deletionOrder([second, first], crowd, NOW).map(({ metadata }) => metadata.uid)).toEqual([
      first.metadata.uid,
      second.metadata.uid,
    ])
  })
})

describe('the number', () => {
  const plan = (pods: readonly Pod[], set = SET) => planReplicas({ set, pods, crowd: new Map(), nowInMs: NOW })
  test('ended and going pods do not count', () => {
    expect(plan([pod('1', { phase: 'Failed' }), pod('2', { going: true }), pod('3')]).create).toBe(1)
  })
  test('too many', () => expect(plan([pod('1', { readyForS: 1 }), pod('2'), pod('3', { readyForS: 1 })]).remove).toHaveLength(1))
  test('a set that goes does nothing', () => {
    const going = { ...SET, metadata: { ...SET.metadata, deletionTimestamp: agoInS(1) } }
    expect(plan([], going)).toEqual({ create: 0, remove: [] })
  })
  test('the status', () => {
    const pods = [
      pod('1', { readyForS: 5 }),
      pod('2', { readyForS: 1 }),
      pod('3', { going: true }),
      pod('4', { phase: 'Failed' }),
    ]
    const set = { ...SET, spec: { ...SET.spec, minReadySeconds: 3 } }
    expect(replicaSetStatus({ set, pods, crowd: new Map(), nowInMs: NOW }, undefined)).toEqual({
      replicas: 2,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 3,
    })
  })
})

describe('hands', () => {
  const orphan = { ...pod('o'), metadata: { ...pod('o').metadata, ownerReferences: [] } }
  const strange = { ...pod('x'), metadata: { ...pod('x').metadata, labels: { app: 'other' } } }
  test('orphans that are meant are taken, own ones that are not are let go, others are left alone', () => {
    const other = { ...pod('y'), metadata: { ...pod('y').metadata, ownerReferences: [{ ...refOf(pod('y')), uid: 'someone' }] } }
    const result = claim(SET, [pod('1'), orphan, strange, other])
    const uids = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.uid)
    expect([uids(result.owned), uids(result.adopt), uids(result.release)]).toEqual([['1'], ['o'], ['x']])
  })
  test('a set that goes takes nobody', () => {
    expect(claim({ ...SET, metadata: { ...SET.metadata, deletionTimestamp: 'now' } }, [orphan]).adopt).toEqual([])
  })
  test('patches name the very object', () => {
    expect(adoption(SET, orphan)).toMatchObject({ metadata: { uid: 'o', ownerReferences: [{ uid: 's', controller: true }] } })
    expect(releasing(SET, strange)).toMatchObject({ metadata: { uid: 'x', ownerReferences: null } })
  })
})

function refOf(object: Pod) {
  const [reference] = object.metadata.ownerReferences ?? []
  if (reference === undefined) throw new Error('nobody owns it')
  return reference
}

test('however late the watch is, a set never makes a pod too many, and ends with the right number', () => {
  const moves = fc.array(fc.constantFrom('sync', 'show', 'kill'), { maxLength: 60 })
  fc.assert(
    fc.property(moves, fc.integer({ min: 0, max: 5 }), (steps, replicas) => {
      const cluster = new LateCluster(replicas)
      for (const step of steps) {
        cluster[step]()
        expect(cluster.live.size).toBeLessThanOrEqual(replicas)
      }
      for (let round = 0; round < 3; round++) {
        while (cluster.late.length > 0) cluster.show()
        cluster.sync()
      }
      expect(cluster.live.size).toBe(replicas)
    }),
  )
})

/** A server, and a watch that shows what happened one event at a time, when it is told to. */
class LateCluster {
  readonly live = new Map<string, Pod>()
  readonly late: { readonly object: Pod; readonly gone: boolean }[] = []
  readonly #store = new Map<string, Pod>()
  readonly #own = new OwnWrites<Pod>(() => 0)
  readonly #set: ReplicaSet
  #version = 1

  constructor(replicas: number) {
    this.#set = { ...SET, spec: { ...SET.spec, replicas } }
  }

  sync(): void {
    const pods = this.#own.view(this.#store, () => true)
    const plan = planReplicas({ set: this.#set, pods, crowd: new Map(), nowInMs: NOW })
    for (let made = 0; made < plan.create; made++) {
      const name = `p${this.#version}`
      const object = { ...pod(name), metadata: { ...pod(name).metadata, resourceVersion: String(this.#version++) } }
      this.live.set(name, object)
      this.late.push({ object, gone: false })
      this.#own.wrote(object)
    }
  }

  /** Somebody deletes the oldest pod by force. */
  kill(): void {
    const [object] = this.live.values()
    if (object === undefined) return
    this.live.delete(object.metadata.name ?? '')
    this.late.push({ object, gone: true })
    this.#version++
  }

  show(): void {
    const event = this.late.shift()
    if (event === undefined) return
    const key = `n/${event.object.metadata.name}`
    if (event.gone) {
      this.#store.delete(key)
      this.#own.removed(event.object)
    } else this.#store.set(key, event.object)
  }
}

describe('own writes', () => {
  const written = { ...pod('w'), metadata: { ...pod('w').metadata, resourceVersion: '5' } }
  test('an answer that comes after the end of its object says nothing', () => {
    const own = new OwnWrites<Pod>()
    own.removed(written)
    own.wrote(written)
    expect(own.view(new Map(), () => true)).toEqual([])
  })
  test('what the watch never shows is forgotten after a minute', () => {
    let nowInMs = 0
    const own = new OwnWrites<Pod>(() => nowInMs)
    own.wrote(written)
    expect(own.forgetsInMs).toBe(60_000)
    expect(own.view(new Map(), () => true)).toHaveLength(1)
    nowInMs = 60_001
    expect(own.view(new Map(), () => true)).toEqual([])
    expect(own.forgetsInMs).toBeUndefined()
  })
})
