/** Stands in for scheduler, controllers and kubelets of the recorded cluster: does what they did, at once, with the recorded names. */
import type { RawObject } from '../../../src/lab/apiserver/kind.ts'
import type { TestServer } from '../../../src/lab/apiserver/testing.ts'

const MERGE = { type: 'application/merge-patch+json' }
const PODS = '/api/v1/namespaces/default/pods'
const APPS = '/apis/apps/v1/namespaces/default'
const EVENTS = '/api/v1/namespaces/default/events'
const STARTED = '2026-11-22T20:44:28Z'

interface Placed {
  readonly node: 'node1' | 'node2'
  readonly ip: string
}

/** Where pods ran, by name. */
const PLACES: Readonly<Record<string, Placed>> = {
  web: { node: 'node2', ip: '10.244.2.3' },
  hp: { node: 'node1', ip: '10.244.1.2' },
  hn: { node: 'node2', ip: '192.168.7.2' },
  'api-746b7dc8f9-9599g': { node: 'node2', ip: '10.244.2.5' },
  'api-746b7dc8f9-g5jsh': { node: 'node1', ip: '10.244.1.6' },
}
const ELSEWHERE: Placed = { node: 'node1', ip: '10.244.1.14' }
const HOSTS = { node1: '192.168.7.1', node2: '192.168.7.2' } as const
const HASH = '746b7dc8f9'

const nodeOf = (number: 1 | 2): RawObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `node${number}`,
    labels: {
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/hostname': `node${number}`,
      'kubernetes.io/os': 'linux',
      'topology.kubernetes.io/zone': `z${number}`,
    },
    annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
  },
  spec: { podCIDR: `10.244.${number}.0/24`, podCIDRs: [`10.244.${number}.0/24`] },
})

const nodeStatus = (number: 1 | 2): object => {
  const times = { lastHeartbeatTime: STARTED, lastTransitionTime: STARTED }
  const fine = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
    ...{ type, status: 'False', ...times, reason: 'Kubelet' },
  }))
  return {
    capacity: { cpu: '8', memory: '32Gi', pods: '250' },
    allocatable: { cpu: '8', memory: '32Gi', pods: '250' },
    conditions: [...fine, { type: 'Ready', status: 'True', ...times, reason: 'KubeletReady' }],
    addresses: [
      { type: 'InternalIP', address: `192.168.7.${number}` },
      { type: 'Hostname', address: `node${number}` },
    ],
    nodeInfo: {
      ...{ machineID: `m${number}`, systemUUID: `s${number}`, bootID: `b${number}`, kernelVersion: '6.18.0' },
      ...{ osImage: 'Debian GNU/Linux 12 (bookworm)', containerRuntimeVersion: 'containerd://1.7.0', kubeletVersion: 'v1.36.2' },
      ...{ operatingSystem: 'linux', architecture: 'amd64' },
    },
  }
}

/** The status of a pod that runs. */
function running(pod: RawObject): object {
  const { node, ip } = PLACES[pod.metadata.name ?? ''] ?? ELSEWHERE
  const types = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
  const { containers } = pod.spec as { readonly containers: readonly { readonly name: string; readonly image: string }[] }
  return {
    phase: 'Running',
    conditions: types.map((type) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: STARTED })),
    hostIP: HOSTS[node],
    hostIPs: [{ ip: HOSTS[node] }],
    podIP: ip,
    podIPs: [{ ip }],
    startTime: STARTED,
    containerStatuses: containers.map(({ name, image }) => ({
      ...{ name, image, imageID: '', restartCount: 0, lastState: {} },
      ...{ ready: true, started: true, state: { running: { startedAt: STARTED } } },
    })),
  }
}

/** Keeps a server's cluster moving until it is stopped. */
export class Hands {
  readonly #server: TestServer
  readonly #stops: (() => void)[] = []
  #work: Promise<void> = Promise.resolve()
  readonly #held: RawObject[] = []
  #holds: 'starts' | 'ends' | '' = ''

  constructor(server: TestServer) {
    this.#server = server
    const { store } = server.server
    const hear = (resource: string, react: (object: RawObject) => Promise<void>): void => {
      this.#stops.push(store.listen(resource, ({ stored, removed }) => removed || this.#then(() => react(stored.object))))
    }
    hear('pods', (pod) => this.#pod(pod))
    hear('deployments.apps', (deployment) => this.#deployment(deployment))
    hear('services', (service) => this.#service(service))
  }

  /** The nodes come up, with what a controller says of them. */
  async bringUp(): Promise<void> {
    for (const number of [1, 2] as const) {
      await this.#server.call('POST', '/api/v1/nodes', nodeOf(number))
      await this.#server.call('PATCH', `/api/v1/nodes/node${number}/status`, { status: nodeStatus(number) }, MERGE)
      const { body } = await this.#server.call('GET', `/api/v1/nodes/node${number}`)
      await this.event(body, 'RegisteredNode', `Node node${number} event: Registered Node node${number} in Controller`)
    }
  }

  /** From now on pods do not start, or do not end, until `letGo`. */
  hold(what: 'starts' | 'ends'): void {
    this.#holds = what
  }

  letGo(): void {
    this.#holds = ''
    for (const pod of this.#held.splice(0)) this.#then(() => this.#pod(pod))
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    for (let work: Promise<void> | undefined; work !== this.#work; ) {
      work = this.#work
      await work
    }
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  async event(object: RawObject, reason: string, message: string): Promise<void> {
    const { name = '', namespace, uid } = object.metadata
    const involvedObject = { kind: object.kind, name, namespace, uid: object.kind === 'Node' ? name : uid, apiVersion: 'v1' }
    const source = { component: reason === 'Scheduled' ? 'default-scheduler' : 'node-controller' }
    const at = new Date().toISOString().replace(/\.\d+Z/, 'Z')
    const times = { firstTimestamp: at, lastTimestamp: at, count: 1 }
    const metadata = { name: `${name}.${crypto.randomUUID().slice(0, 8)}` }
    const event = { metadata, involvedObject, reason, message, type: 'Normal', source, ...times }
    await this.#server.call('POST', EVENTS, event)
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work)
  }

  async #pod(pod: RawObject): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`
    const { nodeName } = pod.spec as { readonly nodeName?: string }
    if (pod.metadata.deletionTimestamp !== undefined) {
      if (this.#holds === 'ends') this.#held.push(pod)
      else await this.#server.call('DELETE', path, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } })
    } else if (nodeName === undefined) {
      const { node: name } = PLACES[pod.metadata.name ?? ''] ?? ELSEWHERE
      const target = { apiVersion: 'v1', kind: 'Node', name }
      await this.#server.call('POST', `${path}/binding`, { metadata: { name: pod.metadata.name }, target })
      await this.event(pod, 'Scheduled', `Successfully assigned default/${pod.metadata.name} to ${name}`)
    } else if ((pod.status as { readonly phase?: string }).phase === 'Pending' && this.#holds === 'starts') this.#held.push(pod)
    else if ((pod.status as { readonly phase?: string }).phase === 'Pending')
      await this.#server.call('PATCH', `${path}/status`, { status: running(pod) }, MERGE)
  }

  async #deployment({ metadata, spec, status }: RawObject): Promise<void> {
    const { observedGeneration } = status as { readonly observedGeneration?: number }
    const { replicas, template } = spec as { readonly replicas: number; readonly template: Record<string, object> }
    if (metadata.name !== 'api' || observedGeneration !== undefined) return
    const annotations = { 'deployment.kubernetes.io/revision': '1' }
    await this.#server.call('PATCH', `${APPS}/deployments/api`, { metadata: { annotations } }, MERGE)
    await this.#replicaSet(metadata.uid ?? '', replicas, template)
    await this.available(0)
  }

  async #replicaSet(uid: string, replicas: number, template: Record<string, object>): Promise<void> {
    const labels = { app: 'api', 'pod-template-hash': HASH }
    const annotations = {
      'deployment.kubernetes.io/desired-replicas': '2',
      'deployment.kubernetes.io/max-replicas': '3',
      'deployment.kubernetes.io/revision': '1',
    }
    const owner = { apiVersion: 'apps/v1', blockOwnerDeletion: true, controller: true }
    const set = await this.#server.call('POST', `${APPS}/replicasets`, {
      metadata: {
        name: `api-${HASH}`,
        labels,
        annotations,
        ownerReferences: [{ ...owner, kind: 'Deployment', name: 'api', uid }],
      },
      spec: { replicas, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
    })
    const reference = { ...owner, kind: 'ReplicaSet', name: `api-${HASH}`, uid: set.body.metadata.uid }
    for (const suffix of ['9599g', 'g5jsh'])
      await this.#server.call('POST', PODS, {
        metadata: { name: `api-${HASH}-${suffix}`, generateName: `api-${HASH}-`, labels, ownerReferences: [reference] },
        spec: template.spec,
      })
    const status = { replicas, readyReplicas: replicas, availableReplicas: replicas, observedGeneration: 1 }
    await this.#server.call('PATCH', `${APPS}/replicasets/api-${HASH}/status`, { status }, MERGE)
  }

  /** The Deployment has this many of its two pods ready. */
  async available(number: number): Promise<void> {
    const whole = number === 2
    const times = { lastUpdateTime: STARTED, lastTransitionTime: STARTED }
    const counts = number === 0 ? {} : { readyReplicas: number, availableReplicas: number }
    const conditions = [
      whole
        ? { reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
        : { reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' },
      whole
        ? { reason: 'NewReplicaSetAvailable', message: `ReplicaSet "api-${HASH}" has successfully progressed.` }
        : { reason: 'ReplicaSetUpdated', message: `ReplicaSet "api-${HASH}" is progressing.` },
    ].map((condition, index) => ({
      ...(index === 0 ? { type: 'Available', status: whole ? 'True' : 'False' } : { type: 'Progressing', status: 'True' }),
      ...times,
      ...condition,
    }))
    const status = {
      ...{ observedGeneration: 1, replicas: 2, updatedReplicas: 2, terminatingReplicas: 0, conditions },
      ...counts,
      unavailableReplicas: whole ? null : 2 - number,
    }
    await this.#server.call('PATCH', `${APPS}/deployments/api/status`, { status }, MERGE)
  }

  /** Endpoints of the two Services that select the pod `web`. */
  async #service({ metadata, spec }: RawObject): Promise<void> {
    const { selector, ports } = spec as {
      readonly selector?: { readonly app?: string }
      readonly ports: readonly { name?: string }[]
    }
    const name = metadata.name ?? ''
    if (selector?.app !== 'web' || metadata.namespace !== 'default' || !name.startsWith('web-')) return
    const { ip, node } = PLACES.web ?? ELSEWHERE
    const port = { name: ports[0]?.name ?? '', port: 80, protocol: 'TCP' }
    const manager = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }
    const labels = { ...manager, 'kubernetes.io/service-name': name }
    const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': STARTED }
    const owner = { apiVersion: 'v1', kind: 'Service', name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'web' }
    await this.#server.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: `${name}-tlvm7`, generateName: `${name}-`, labels, annotations, ownerReferences: [owner] },
      addressType: 'IPv4',
      endpoints: [{ addresses: [ip], conditions: { ready: true, serving: true, terminating: false }, nodeName: node, targetRef }],
      ports: [port],
    })
    await this.#server.call('POST', '/api/v1/namespaces/default/endpoints', {
      metadata: { name, labels: { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }, annotations },
      subsets: [{ addresses: [{ ip, nodeName: node, targetRef }], ports: [port] }],
    })
  }
}
