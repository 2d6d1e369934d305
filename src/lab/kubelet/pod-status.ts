/** The status of a pod as the kubelet reports it: a pure function of what its containers are doing. */
import type { Condition, ContainerStatus, Pod, PodStatus } from '../../kube/types.ts'

export interface PodView {
  readonly containers: readonly ContainerStatus[]
  /** None by default. */
  readonly initContainers?: readonly ContainerStatus[]
  /** Whether the init containers have done their work; so by default. */
  readonly initialized?: boolean
  /** One of them has failed for good. */
  readonly initFailed?: boolean
  /** Empty until the pod's network stands. */
  readonly podIPs: readonly string[]
  readonly hostIPs: readonly string[]
  readonly startedAtInMs: number
}

/** RFC 3339 with whole seconds, as the API has times. */
export function apiTime(inMs: number): string {
  return new Date(inMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/**
 * Makes the whole status. Conditions that others own (the scheduler's) are kept; a condition's time changes with its status only.
 * Source: kubelet, pkg/kubelet/kubelet_pods.go (getPhase, generateAPIPodStatus), pkg/kubelet/status/generate.go.
 */
export function podStatus(pod: Pod, view: PodView, nowInMs: number): PodStatus {
  const phase = phaseOf(pod, view)
  const [podIP] = view.podIPs
  const [hostIP] = view.hostIPs
  return {
    phase,
    conditions: podConditions(pod, view, phase, nowInMs),
    ...(hostIP === undefined ? {} : { hostIP, hostIPs: view.hostIPs.map((ip) => ({ ip })) }),
    ...(podIP === undefined ? {} : { podIP, podIPs: view.podIPs.map((ip) => ({ ip })) }),
    startTime: apiTime(view.startedAtInMs),
    ...(view.initContainers?.length ? { initContainerStatuses: view.initContainers } : {}),
    containerStatuses: view.containers,
    qosClass: pod.status?.qosClass ?? 'BestEffort',
  }
}

/** A pod is not over while a sidecar runs. */
function phaseOf(pod: Pod, { containers, initContainers = [], initFailed = false }: PodView): string {
  const phase = initFailed ? 'Failed' : podPhase(pod, containers)
  const ended = phase === 'Succeeded' || phase === 'Failed'
  return ended && initContainers.some(({ state }) => state?.running !== undefined) ? 'Running' : phase
}

/** Pending until every container has run, then Running until all ended for good. A finished pod stays what it is. */
export function podPhase(pod: Pod, containers: readonly ContainerStatus[]): string {
  const before = pod.status?.phase
  if (before === 'Succeeded' || before === 'Failed') return before
  const ends = containers.map(
    (each) => each.state?.terminated ?? (each.state?.waiting === undefined ? undefined : each.lastState?.terminated),
  )
  const running = containers.filter((each) => each.state?.running !== undefined).length
  const neverRan = containers.filter((each, index) => each.state?.running === undefined && ends[index] === undefined).length
  if (neverRan > 0 || containers.length === 0) return 'Pending'
  if (running > 0) return 'Running'
  const policy = pod.spec?.restartPolicy ?? 'Always'
  const deleted = pod.metadata.deletionTimestamp !== undefined
  if (policy === 'Always' && !deleted) return 'Running'
  if (ends.every((end) => end?.exitCode === 0)) return 'Succeeded'
  return policy === 'Never' || deleted ? 'Failed' : 'Running'
}

function podConditions(pod: Pod, view: PodView, phase: string, nowInMs: number): readonly Condition[] {
  const unready = view.containers.filter((each) => !each.ready).map((each) => each.name)
  const containersReady = readyCondition('ContainersReady', phase, unready)
  const gate = pod.spec?.readinessGates?.find(({ conditionType }) => conditionOf(pod, conditionType)?.status !== 'True')
  const podReady =
    containersReady.status === 'True' && gate !== undefined
      ? gateCondition(pod, gate.conditionType)
      : readyCondition('Ready', phase, unready)
  const mine: readonly Condition[] = [
    {
      type: 'PodReadyToStartContainers',
      status: view.podIPs.length > 0 && phase !== 'Succeeded' && phase !== 'Failed' ? 'True' : 'False',
    },
    initializedCondition(view),
    podReady,
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ]
  const foreign = (pod.status?.conditions ?? []).filter((each) => !mine.some(({ type }) => type === each.type))
  return [...mine.map((condition) => timed(condition, conditionOf(pod, condition.type), nowInMs)), ...foreign]
}

function readyCondition(type: string, phase: string, unready: readonly string[]): Condition {
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' }
  if (unready.length === 0) return { type, status: 'True' }
  return {
    type,
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  }
}

function initializedCondition({ initialized = true, initContainers = [] }: PodView): Condition {
  if (initialized) return { type: 'Initialized', status: 'True' }
  const incomplete = initContainers.filter((each) => each.state?.terminated?.exitCode !== 0 && each.started !== true)
  const message = `containers with incomplete status: [${incomplete.map(({ name }) => name).join(' ')}]`
  return { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message }
}

function gateCondition(pod: Pod, gate: string): Condition {
  const problem = conditionOf(pod, gate) === undefined ? 'does not exist.' : 'is not "True".'
  const message = `corresponding condition of pod readiness gate "${gate}" ${problem}`
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message }
}

function conditionOf(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((each) => each.type === type)
}

function timed(condition: Condition, before: Condition | undefined, nowInMs: number): Condition {
  const kept = before?.status === condition.status ? before.lastTransitionTime : undefined
  const { type, status, ...words } = condition
  return { type, status, lastProbeTime: null, lastTransitionTime: kept ?? apiTime(nowInMs), ...words }
}
