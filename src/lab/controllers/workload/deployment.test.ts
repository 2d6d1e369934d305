import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Deployment, ReplicaSet } from '../../../kube/apps.ts'
import type { Pod } from '../../../kube/types.ts'
import { planDeployment } from './deployment.ts'
import { wantedTotal } from './deployment-status.ts'
import { controllerOf } from './ownership.ts'
import { isActive, isReadyPod } from './pod-state.ts'
import { planReplicas, podOf, replicaSetStatus } from './replica-set.ts'
import { resolveShare, rollingShare } from './rolling-share.ts'

describe('maxSurge and maxUnavailable', () => {
  test.each([
    ['25%', '25%', 3, { maxSurge: 1, maxUnavailable: 0 }],
    ['25%', '25%', 4, { maxSurge: 1, maxUnavailable: 1 }],
    ['25%', '25%', 10, { maxSurge: 3, maxUnavailable: 2 }],
    [0, '10%', 3, { maxSurge: 0, maxUnavailable: 1 }],
    [2, 5, 3, { maxSurge: 2, maxUnavailable: 3 }],
    ['0%', 0, 5, { maxSurge: 0, maxUnavailable: 1 }],
    ['100%', 0, 0, { maxSurge: 0, maxUnavailable: 0 }],
  ])('%s and %s of %i', (maxSurge, maxUnavailable, replicas, wanted) => {
    expect(rollingShare({ maxSurge, maxUnavailable }, replicas)).toEqual(wanted)
  })
  test('what is no number and no share is 0', () => expect(resolveShare('many', 5, 'up')).toBe(0))
})

/** A cluster in memory: what controllers wrote is there at once, what pods do comes when a test says so. */
class Simulation {
  deployment: Deployment
  sets: ReplicaSet[] = []
  pods: Pod[] = []
  nowInMs = Date.parse('2026-11-22T20:00:00Z')
  #serial = 0

  constructor(spec: NonNullable<Deployment['spec']>) {
    const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'v0' }] } }
    this.deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: 'n', uid: 'd', generation: 1 },
      spec: { selector: { matchLabels: { app: 'a' } }, template, progressDeadlineSeconds: 600, revisionHistoryLimit: 2, ...spec },
    }
  }

  change(spec: Partial<NonNullable<Deployment['spec']>>): void {
    const { metadata } = this.deployment
    const generation = (metadata.generation ?? 0) + 1
    this.deployment = { ...this.deployment, metadata: { ...metadata, generation }, spec: { ...this.deployment.spec, ...spec } }
  }

  image(image: string): void {
    const template = { ...this.deployment.spec?.template, spec: { containers: [{ name: 'c', image }] } }
    this.change({ template })
  }

  stepDeployment(): readonly string[] {
    const { deployment, sets, pods, nowInMs } = this
    const plan = planDeployment({ deployment, sets, pods, nowInMs })
    this.nowInMs += 1_000
    const at = new Date(this.nowInMs).toISOString()
    if (plan.create !== undefined)
      this.sets.push({
        ...plan.create,
        metadata: { ...plan.create.metadata, uid: `s${this.#serial++}`, creationTimestamp: at, generation: 1 },
      })
    for (const set of plan.update) {
      const next = { ...set, metadata: { ...set.metadata, generation: (set.metadata.generation ?? 0) + 1 } }
      this.sets = this.sets.map((each) => (each.metadata.uid === set.metadata.uid ? next : each))
    }
    this.sets = this.sets.filter((set) => !plan.remove.some(({ metadata }) => metadata.uid === set.metadata.uid))
    this.deployment = {
      ...deployment,
      metadata: { ...deployment.metadata, annotations: plan.annotations },
      status: plan.status,
    }
    return plan.scalings
  }

  stepSet(index: number): void {
    const set = this.sets[index % Math.max(1, this.sets.length)]
    if (set === undefined) return
    const owned = () => this.pods.filter((pod) => controllerOf(pod)?.uid === set.metadata.uid)
    const plan = planReplicas({ set, pods: owned(), crowd: new Map(), nowInMs: this.nowInMs })
    for (let made = 0; made < plan.create; made++) {
      const uid = `p${this.#serial++}`
      this.pods.push({ ...podOf(set), metadata: { ...podOf(set).metadata, name: uid, uid }, status: { phase: 'Pending' } })
    }
    const gone = new Set(plan.remove.map(({ metadata }) => metadata.uid))
    this.pods = this.pods.filter(({ metadata }) => !gone.has(metadata.uid))
    const status = replicaSetStatus({ set, pods: owned(), crowd: new Map(), nowInMs: this.nowInMs }, undefined)
    this.sets = this.sets.map((each) => (each.metadata.uid === set.metadata.uid ? { ...set, status } : each))
  }

  makeReady(index: number): void {
    const waiting = this.pods.filter((pod) => !isReadyPod(pod))
    const pod = waiting[index % Math.max(1, waiting.length)]
    if (pod === undefined) return
    const lastTransitionTime = new Date(this.nowInMs).toISOString()
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] }
    this.pods = this.pods.map((each) => (each === pod ? { ...pod, status } : each))
  }

  /** Until nothing changes any more. */
  settle(): void {
    for (let round = 0; round < 200; round++) {
      const before = JSON.stringify([this.sets, this.pods, this.deployment.status?.replicas])
      this.stepDeployment()
      for (let index = 0; index < this.sets.length; index++) this.stepSet(index)
      for (let index = 0; index < 20; index++) this.makeReady(0)
      if (round > 2 && JSON.stringify([this.sets, this.pods, this.deployment.status?.replicas]) === before) return
    }
    throw new Error('it never settles')
  }

  get ready(): number {
    return this.pods.filter((pod) => isActive(pod) && isReadyPod(pod)).length
  }
}

const share = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('0%', '25%', '50%', '100%'))

test('a rolling update keeps its bounds at every moment, whoever is faster, and ends complete', () => {
  const run = fc.record({
    replicas: fc.integer({ min: 1, max: 8 }),
    maxSurge: share,
    maxUnavailable: share,
    moves: fc.array(fc.tuple(fc.constantFrom('deployment', 'set', 'ready', 'image'), fc.nat(9)), { maxLength: 80 }),
  })
  fc.assert(
    fc.property(run, ({ replicas, maxSurge, maxUnavailable, moves }) => {
      const rollingUpdate = { maxSurge, maxUnavailable }
      const lab = new Simulation({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate } })
      lab.settle()
      const bounds = rollingShare(rollingUpdate, replicas)
      lab.image('v1')
      for (const [move, index] of moves) {
        if (move === 'deployment') lab.stepDeployment()
        else if (move === 'set') lab.stepSet(index)
        else if (move === 'ready') lab.makeReady(index)
        else lab.image(`v${index}`)
        // as the real one: the sets together ask for no more; a set that is faster than another may be ahead of it for a moment
        expect(wantedTotal(lab.sets)).toBeLessThanOrEqual(replicas + bounds.maxSurge)
        expect(lab.ready).toBeGreaterThanOrEqual(replicas - bounds.maxUnavailable)
      }
      lab.settle()
      expect(lab.ready).toBe(replicas)
      expect(lab.deployment.status).toMatchObject({ replicas, updatedReplicas: replicas, availableReplicas: replicas })
      expect(lab.deployment.status?.conditions?.find(({ type }) => type === 'Progressing')?.reason).toBe('NewReplicaSetAvailable')
      expect(lab.sets.filter(({ spec }) => spec?.replicas !== 0)).toHaveLength(1)
      expect(lab.sets.length).toBeLessThanOrEqual(3)
    }),
    { numRuns: 150 },
  )
})

test('a new number in the middle of a rollout reaches every set, and ends at that number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.nat(12), (from, to, steps) => {
      const lab = new Simulation({
        replicas: from,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      })
      lab.settle()
      lab.image('v1')
      for (let step = 0; step < steps; step++) {
        lab.stepDeployment()
        lab.stepSet(step)
        lab.makeReady(step)
      }
      lab.change({ replicas: to })
      lab.settle()
      expect(lab.pods.filter(isActive)).toHaveLength(to)
    }),
    { numRuns: 60 },
  )
})

describe('a Deployment', () => {
  test('says what it scales, numbers its sets, and remembers what a set was when it is the present one again', () => {
    const lab = new Simulation({
      replicas: 2,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    })
    expect(lab.stepDeployment()).toEqual([`Scaled up replica set ${lab.sets[0]?.metadata.name} from 0 to 2`])
    lab.settle()
    lab.image('v1')
    lab.settle()
    lab.image('v0')
    lab.settle()
    const annotations = lab.sets[0]?.metadata.annotations
    expect(annotations).toEqual({
      'deployment.kubernetes.io/desired-replicas': '2',
      'deployment.kubernetes.io/max-replicas': '3',
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    })
    expect(lab.deployment.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3' })
  })

  test('that recreates waits until the last old pod is gone', () => {
    const lab = new Simulation({ replicas: 2, strategy: { type: 'Recreate' } })
    lab.settle()
    lab.image('v1')
    lab.stepDeployment()
    const [old] = lab.sets
    expect(old?.spec?.replicas).toBe(0)
    const going = lab.pods.map((pod) => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } }))
    lab.pods = going
    lab.stepSet(0)
    lab.stepDeployment()
    expect(lab.sets).toHaveLength(1)
    lab.pods = []
    lab.settle()
    expect(lab.sets).toHaveLength(2)
    expect(lab.ready).toBe(2)
  })

  test('that is paused changes no template, says so, and times no rollout out', () => {
    const lab = new Simulation({
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    })
    lab.settle()
    lab.change({ paused: true })
    lab.image('v1')
    lab.settle()
    expect(lab.sets).toHaveLength(1)
    const reason = () => lab.deployment.status?.conditions?.find(({ type }) => type === 'Progressing')?.reason
    expect(reason()).toBe('DeploymentPaused')
    lab.change({ paused: false })
    lab.settle()
    expect(reason()).toBe('NewReplicaSetAvailable')
  })

  test('that stands still says so after its deadline', () => {
    const lab = new Simulation({ replicas: 1, progressDeadlineSeconds: 60 })
    lab.stepDeployment()
    lab.stepSet(0)
    lab.stepDeployment()
    lab.stepDeployment()
    lab.nowInMs += 120_000
    lab.stepDeployment()
    expect(lab.deployment.status?.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: `ReplicaSet "${lab.sets[0]?.metadata.name}" has timed out progressing.`,
    })
  })
})
