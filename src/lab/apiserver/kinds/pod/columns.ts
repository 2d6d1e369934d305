/** What `kubectl get pods` shows. Source: kubernetes pkg/printers/internalversion/printers.go, printPod. */
import type { RawObject } from '../../kind.ts'
import { humanDuration } from '../duration.ts'
import { type Container, type ContainerStatus, type PodStatus, specOf, statusOf } from './types.ts'

interface Summary {
  reason: string
  ready: number
  total: number
  restarts: number
  /** Milliseconds since the epoch of the last restart; 0 without one. */
  restartedAtInMs: number
}

/** Ready containers of all, the reason shown as status, and restarts, as one pass over the containers' statuses. */
export function summarize(pod: RawObject): Summary {
  const spec = specOf(pod)
  const status = statusOf(pod)
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map((container) => container.name))
  const summary: Summary = {
    reason: status.reason || (status.phase ?? ''),
    ready: 0,
    total: (spec.containers ?? []).length + sidecars.size,
    restarts: 0,
    restartedAtInMs: 0,
  }
  if (status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated'))
    summary.reason = 'SchedulingGated'
  const initializing = summarizeInit(summary, status, spec.initContainers ?? [])
  if (!initializing || isInitialized(status)) summarizeContainers(summary, status, sidecars)
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') summary.reason = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') summary.reason = 'Terminating'
  }
  return summary
}

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'
const isInitialized = (status: PodStatus): boolean =>
  status.conditions?.some(({ type, status: is }) => type === 'Initialized' && is === 'True') ?? false

function countRestarts(summary: Summary, status: ContainerStatus): void {
  summary.restarts += status.restartCount ?? 0
  const finished = status.lastState?.terminated?.finishedAt
  if (finished !== undefined) summary.restartedAtInMs = Math.max(summary.restartedAtInMs, Date.parse(finished))
}

/** Whether an init container is what the pod waits for. */
function summarizeInit(summary: Summary, status: PodStatus, containers: readonly Container[]): boolean {
  for (const [index, container] of (status.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = container.state ?? {}
    const sidecar = containers.find(({ name }) => name === container.name)?.restartPolicy === 'Always'
    countRestarts(summary, container)
    if (terminated?.exitCode === 0) continue
    if (sidecar && container.started) {
      if (container.ready) summary.ready++
      continue
    }
    if (terminated !== undefined) summary.reason = `Init:${terminationReason(terminated)}`
    else if (waiting?.reason !== undefined && waiting.reason !== '' && waiting.reason !== 'PodInitializing')
      summary.reason = `Init:${waiting.reason}`
    else summary.reason = `Init:${index}/${containers.length}`
    return true
  }
  return false
}

function terminationReason({
  reason,
  signal,
  exitCode,
}: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): string {
  if (reason !== undefined && reason !== '') return reason
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

function summarizeContainers(summary: Summary, status: PodStatus, sidecars: ReadonlySet<string | undefined>): void {
  let running = false
  for (const container of (status.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, container)
    const { waiting, terminated, running: started } = container.state ?? {}
    if (waiting?.reason) summary.reason = waiting.reason
    else if (terminated !== undefined) summary.reason = terminationReason(terminated)
    else if (container.ready && started !== undefined) {
      running = true
      summary.ready++
    }
  }
  if (summary.reason !== 'Completed' || !(running || sidecarRuns(status, sidecars))) return
  summary.reason = status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ? 'Running' : 'NotReady'
}

const sidecarRuns = (status: PodStatus, sidecars: ReadonlySet<string | undefined>): boolean =>
  (status.initContainerStatuses ?? []).some(({ name, state }) => sidecars.has(name) && state?.running !== undefined)

/** `3 (5m ago)`: how often containers were started again, and when last. */
export function restartsText(pod: RawObject, nowInMs: number): string {
  const { restarts, restartedAtInMs } = summarize(pod)
  return restarts > 0 && restartedAtInMs > 0 ? `${restarts} (${humanDuration(nowInMs - restartedAtInMs)} ago)` : `${restarts}`
}

/** `1/2` of the gates' conditions that are true; `<none>` without gates. */
export function readinessGatesText(pod: RawObject): string {
  const gates = specOf(pod).readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const isTrue = (gate: string | undefined): boolean =>
    statusOf(pod).conditions?.some(({ type, status }) => type === gate && status === 'True') ?? false
  return `${gates.filter(({ conditionType }) => isTrue(conditionType)).length}/${gates.length}`
}
