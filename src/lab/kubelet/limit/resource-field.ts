/** Amounts of a container's resources as its environment and files have them: `resourceFieldRef`. Pure. */
import type { Container, Pod, ResourceFieldRef } from '../../../kube/types.ts'
import { quantity } from '../../controllers/node-room.ts'

/** What a node can give, by resource, as numbers: the limit of whoever has none. */
export type NodeAmounts = Readonly<Record<string, number>>

/**
 * The amount in units of the divisor, rounded up; undefined for a container or a resource that there is not.
 * Source: Kubernetes, pkg/api/v1/resource/helpers.go ExtractContainerResourceValue.
 */
export function resourceValue(
  pod: Pod,
  own: Container | undefined,
  { containerName, resource, divisor }: ResourceFieldRef,
  node: NodeAmounts,
): string | undefined {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
  const container = containerName === undefined || containerName === '' ? own : all.find(({ name }) => name === containerName)
  const [, list, name = ''] = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource) ?? []
  if (container === undefined || list === undefined) return undefined
  const { limits = {}, requests = {} } = container.resources ?? {}
  const stated = (list === 'limits' ? limits : requests)[name]
  const amount = stated === undefined ? (list === 'limits' ? (node[name] ?? 0) : 0) : quantity(stated)
  const unit = quantity(divisor ?? '1') || 1
  // in thousandths: 0.1 / 0.001 is not 100 in floating point
  return String(Math.ceil(Math.round((amount / unit) * 1000) / 1000))
}
