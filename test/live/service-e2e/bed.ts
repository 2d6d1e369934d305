/** The bed of the Service tests: a whole lab, its API, and askers on its hosts and in its pods. */
import { expect } from 'vitest'
import type { AgentState } from '../../../src/agent/state.ts'
import { askUnix } from '../../../src/http/unix-server.ts'
import { createClient, type KubeClient } from '../../../src/kube/client.ts'
import { loadKubeConfig } from '../../../src/kube/config.ts'
import { ENDPOINT_SLICES, PODS, SERVICES } from '../../../src/kube/resource.ts'
import type { Pod, PodSpec, Service, ServiceSpec, SliceEndpoint } from '../../../src/kube/types.ts'
import { podWireNames } from '../../../src/lab/kubelet/pod-network.ts'
import { hostNamespace } from '../../../src/lab/names.ts'
import { runDir } from '../../../src/lab/state.ts'
import { DEFAULT_TOPOLOGY } from '../../../src/lab/topology.ts'
import { bringUpLab, type LiveLab } from '../../support/live-lab.ts'
import { Asker } from './asker.ts'
import type { Answer, Request } from './wire.ts'

export type Family = 'IPv4' | 'IPv6'
export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6']
export const NODES = ['ubuntu-1', 'optiplex-1', 'optiplex-2'] as const
export const NAMESPACE = 'default'

/** The address of one of the lab's hosts. */
export function addressOf(host: string, family: Family): string {
  const found = [...DEFAULT_TOPOLOGY.nodes, ...DEFAULT_TOPOLOGY.clients].find(({ name }) => name === host)
  if (found === undefined) throw new Error(`the lab has no host ${host}`)
  return family === 'IPv4' ? found.ipv4 : found.ipv6
}

export interface Target {
  readonly address: string
  readonly port: number
  readonly protocol?: 'TCP' | 'UDP'
  readonly source?: number
  readonly body?: string
  readonly timeoutInMs?: number
}

export interface PodWish {
  readonly name: string
  readonly node: string
  readonly labels?: Readonly<Record<string, string>>
  /** Of the echo server; 8080 and 8090 for HTTP and UDP by default. */
  readonly args?: readonly string[]
  readonly spec?: Partial<PodSpec>
  readonly container?: Partial<PodSpec['containers'][number]>
}

export const PORTS = ['--http', '8080,8090', '--udp', '8080,8090']

export class Bed {
  readonly lab: LiveLab
  readonly api: KubeClient
  private readonly askers = new Map<string, Asker>()
  private readonly netnsOfPod = new Map<string, string>()

  private constructor(lab: LiveLab) {
    this.lab = lab
    this.api = createClient(loadKubeConfig({ path: `${runDir()}/${lab.name}/kubeconfig/admin` }))
  }

  static async up(name: string, ...flags: readonly string[]): Promise<Bed> {
    return new Bed(await bringUpLab(name, ...flags))
  }

  async down(): Promise<void> {
    for (const asker of this.askers.values()) asker.end()
    this.api.close()
    await this.lab.down()
  }

  /** Makes pods of the echo image and waits until they are ready. */
  async pods(...wishes: readonly PodWish[]): Promise<void> {
    await Promise.all(wishes.map((wish) => this.createPod(wish)))
    await Promise.all(wishes.map(({ name }) => this.podIs(name, 'True')))
  }

  async createPod({ name, node, labels = {}, args = PORTS, spec, container }: PodWish): Promise<void> {
    const echo = { name: 'echo', image: 'fairway/echo', args, readinessProbe: READY, ...container }
    const whole = { nodeName: node, terminationGracePeriodSeconds: 1, containers: [echo], ...spec }
    const { metadata } = await this.api.create(PODS, { metadata: { namespace: NAMESPACE, name, labels }, spec: whole } as Pod)
    const isOfHost = spec?.hostNetwork === true
    this.netnsOfPod.set(
      name,
      isOfHost ? hostNamespace(this.lab.name, node) : podWireNames(this.lab.name, metadata.uid ?? '').netns,
    )
    this.askers.get(name)?.end()
    this.askers.delete(name)
  }

  /** Waits until the pod's condition Ready has this status. */
  async podIs(name: string, ready: 'True' | 'False'): Promise<Pod> {
    let pod = await this.pod(name)
    while (pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status !== ready) {
      await soon()
      pod = await this.pod(name)
    }
    return pod
  }

  pod(name: string): Promise<Pod> {
    return this.api.get(PODS, { namespace: NAMESPACE, name })
  }

  async label(name: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.api.patch(PODS, { namespace: NAMESPACE, name }, { metadata: { labels } }, { type: 'merge' })
  }

  /** The pod's address; waits until it has one. */
  async podAddress(name: string, family: Family): Promise<string> {
    for (;;) {
      const all = (await this.pod(name)).status?.podIPs ?? []
      const found = all.map(({ ip = '' }) => ip).find((ip) => ip.includes(':') === (family === 'IPv6'))
      if (found !== undefined) return found
      await soon()
    }
  }

  /** Begins to delete a pod; resolves at once. */
  async deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }
    await this.api.delete(PODS, { namespace: NAMESPACE, name }, options)
  }

  service(name: string, family: Family, spec: ServiceSpec): Promise<Service> {
    const families = spec.type === 'ExternalName' ? {} : { ipFamilies: [family], ipFamilyPolicy: 'SingleStack' }
    return this.api.create(SERVICES, { metadata: { namespace: NAMESPACE, name }, spec: { ...families, ...spec } } as Service)
  }

  /** Makes addresses for Services of type LoadBalancer, which every node may announce on the lab's own subnet. */
  async announce(): Promise<void> {
    await this.lab.client('kubectl apply -f -', POOL)
  }

  /** The Service once it has an address. */
  async balanced(name: string): Promise<Service> {
    for (;;) {
      const service = await this.api.get(SERVICES, { namespace: NAMESPACE, name })
      if ((service.status?.loadBalancer?.ingress ?? []).length > 0) return service
      await soon()
    }
  }

  change(name: string, spec: object): Promise<Service> {
    return this.api.patch(SERVICES, { namespace: NAMESPACE, name }, { spec }, { type: 'merge' })
  }

  async deleteService(name: string): Promise<void> {
    await this.api.delete(SERVICES, { namespace: NAMESPACE, name })
  }

  async endpoints(service: string): Promise<readonly SliceEndpoint[]> {
    const labelSelector = `kubernetes.io/service-name=${service}`
    const { items } = await this.api.list(ENDPOINT_SLICES, { namespace: NAMESPACE, labelSelector })
    return items.flatMap((slice) => slice.endpoints ?? [])
  }

  /** Asks from a host or a pod. */
  ask(from: string, { protocol = 'TCP', timeoutInMs = protocol === 'TCP' ? 1_500 : 400, ...target }: Target): Promise<Answer> {
    let asker = this.askers.get(from)
    if (asker === undefined) {
      asker = new Asker(this.netnsOf(from))
      this.askers.set(from, asker)
    }
    return asker.ask({ ...target, protocol, timeoutInMs } satisfies Omit<Request, 'id'>)
  }

  netnsOf(place: string): string {
    return this.netnsOfPod.get(place) ?? hostNamespace(this.lab.name, place)
  }

  /** The pod that answers, or the reason why none does. */
  async who(from: string, target: Target): Promise<string> {
    const { pod, error } = await this.ask(from, target)
    return pod ?? error ?? ''
  }

  /** Who answers to many connections, each once, sorted. */
  async whoAll(from: string, target: Target, times = 24): Promise<readonly string[]> {
    const answers = await Promise.all(Array.from({ length: times }, () => this.who(from, target)))
    return [...new Set(answers)].toSorted()
  }

  /** Waits until exactly these answer; a change takes a while to come to every node. */
  async serves(from: string | readonly string[], target: Target, who: readonly string[]): Promise<void> {
    const wanted = [...who].toSorted()
    for (const place of [from].flat())
      await expect
        .poll(() => this.whoAll(place, target), { timeout: 15_000, interval: 30, message: `from ${place} to ${target.address}` })
        .toEqual(wanted)
  }

  /** What the agent of a node says. */
  async agent(node: string): Promise<AgentState> {
    return JSON.parse((await askUnix(`${runDir()}/${this.lab.name}/agent/${node}/agent.sock`, '/state')).text) as AgentState
  }
}

const POOL = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: public }
spec: { addresses: [192.168.9.0/24, 'fd00:192:168::9:0/112'] }
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: public }
`

const READY = { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 }

/** Between two looks at what nothing tells of; the test's own time limits how many. */
export function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25))
}

/** The ClusterIP and a port of a Service. */
export function clusterIp(service: Service, port = 80): Target {
  return { address: service.spec?.clusterIPs?.[0] ?? '', port }
}

/** The NodePort that belongs to a port of a Service, on a node. */
export function nodePort(service: Service, node: string, protocol: 'TCP' | 'UDP' = 'TCP'): Target {
  const family = (service.spec?.ipFamilies?.[0] ?? 'IPv4') as Family
  const port = service.spec?.ports?.find((one) => (one.protocol ?? 'TCP') === protocol)?.nodePort ?? 0
  return { address: addressOf(node, family), port, protocol }
}

/** The load-balancer address of a Service that has one, and a port of it. */
export function balancer(service: Service, port = 80, protocol: 'TCP' | 'UDP' = 'TCP'): Target {
  return { address: service.status?.loadBalancer?.ingress?.[0]?.ip ?? '', port, protocol }
}
