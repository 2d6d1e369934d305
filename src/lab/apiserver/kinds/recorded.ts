/** For tests: what a real API server answered, and what of it ours answers otherwise by design. */
import { readFileSync } from 'node:fs'
import type { RawObject } from '../kind.ts'

const GOLDEN = new URL('../../../../test/golden/kubernetes-1.36/', import.meta.url)

/** A recorded file, by its path below test/golden/kubernetes-1.36. */
export function readRecorded<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, GOLDEN), 'utf8')) as T
}

interface TokenVolume {
  name: string
  projected?: { sources: { configMap?: { name: string } }[] }
}

const randomToken = (name: string): string => name.replace(/^(kube-api-access)-[a-z0-9]{5}$/, '$1-random')

function steadyToken(spec: Record<string, unknown>): void {
  for (const volume of (spec.volumes ?? []) as TokenVolume[]) {
    volume.name = randomToken(volume.name)
    const { projected } = volume
    if (projected === undefined) continue
    // The recorded server was of a build that adds a vendor's authority.
    projected.sources = projected.sources.filter(({ configMap }) => configMap?.name !== 'openshift-service-ca.crt')
  }
  for (const list of [spec.initContainers, spec.containers] as ({ volumeMounts?: { name: string }[] }[] | undefined)[])
    for (const { volumeMounts = [] } of list ?? []) for (const mount of volumeMounts) mount.name = randomToken(mount.name)
}

/** What differs by design: chosen by the machinery or at random, or left out of the lab (the reasons stand beside). */
export function comparable(object: RawObject): unknown {
  const copy = structuredClone(object) as RawObject & { spec?: Record<string, unknown> }
  for (const field of ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'name'] as const) delete copy.metadata[field]
  const spec = copy.spec
  if (copy.kind === 'Service' && spec !== undefined) {
    if (spec.clusterIP !== 'None' && spec.clusterIP !== undefined) {
      spec.clusterIP = 'random'
      spec.clusterIPs = (spec.clusterIPs as string[]).map(() => 'random')
    }
    const ports = new Map<number, string>()
    for (const port of (spec.ports ?? []) as { nodePort?: unknown }[]) {
      if (typeof port.nodePort !== 'number') continue
      ports.set(port.nodePort, ports.get(port.nodePort) ?? `random-${ports.size}`)
      port.nodePort = ports.get(port.nodePort)
    }
    if (spec.healthCheckNodePort !== undefined) spec.healthCheckNodePort = 'random'
  }
  if (copy.kind === 'Pod' && spec !== undefined) steadyToken(spec)
  // The taint comes from admission and is taken off by a controller that the lab does not have.
  if (copy.kind === 'Node') delete spec?.taints
  return copy
}
