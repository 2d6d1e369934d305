/** HorizontalPodAutoscaler of autoscaling/v1, which kubectl up to 1.33 writes: v2 with the one metric CPU. */
import type { KindRecord, RawObject } from '../../kind.ts'
import { specOf, statusOf } from './shape.ts'

interface CpuMetric {
  readonly type?: string
  readonly resource?: { readonly name?: string; readonly target?: { readonly averageUtilization?: number } }
}

const TARGET = 'targetCPUUtilizationPercentage'

function toStorage(object: RawObject): RawObject {
  const { [TARGET]: averageUtilization, ...spec } = specOf(object)
  if (averageUtilization === undefined) return { ...object, spec }
  const metric = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }
  return { ...object, spec: { ...spec, metrics: [metric] } }
}

function fromStorage(object: RawObject): RawObject {
  const { metrics = [], behavior: _behavior, ...spec } = specOf(object)
  const { currentMetrics: _metrics, conditions: _conditions, ...status } = statusOf(object)
  const cpu = (metrics as readonly CpuMetric[]).find(({ resource }) => resource?.name === 'cpu')?.resource?.target
  const target = cpu?.averageUtilization === undefined ? {} : { [TARGET]: cpu.averageUtilization }
  return { ...object, spec: { ...spec, ...target }, status: { currentReplicas: 0, ...status } }
}

/** The older version, beside the record of v2. */
export function olderAutoscaler(storage: KindRecord): KindRecord {
  return {
    ...storage,
    version: 'v1',
    schema: 'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
    conversion: { storage, toStorage, fromStorage },
  }
}
