import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import { startControllers } from '../../src/lab/controllers/main.ts'
import { FakeApi } from './kubelet/fake-api.ts'

const NODE_GRACE_IN_MS = 300

describe('the controllers', () => {
  let api: FakeApi
  let stop: AbortController

  beforeEach(async () => {
    api = new FakeApi()
    stop = new AbortController()
    const server = await api.listen()
    const client = createClient({
      server,
      insecure: false,
      namespace: 'default',
      source: 'test',
      credentials: async () => ({ headers: {} }),
    })
    await startControllers(client, { nodeGraceInMs: NODE_GRACE_IN_MS, evictionInMs: 1_000 }, stop.signal)
  })

  afterEach(() => {
    stop.abort()
    api.close()
  })

  const node = (name: string, spec: object = {}) =>
    api.create('nodes', { metadata: { name }, spec, status: { conditions: [{ type: 'Ready', status: 'True' }] } } as KubeObject)
  const pod = (name: string, ports: readonly object[] = []) => {
    const spec = { containers: [{ name: 'c', ports }] }
    return api.create('pods', {
      metadata: { name, namespace: 'default', labels: { app: 'a' } },
      spec,
      status: { phase: 'Pending' },
    } as KubeObject)
  }
  const nodeOf = (name: string) => (api.get('pods', 'default', name)?.spec as { nodeName?: string } | undefined)?.nodeName
  const slices = () =>
    api.list('endpointslices') as readonly (KubeObject & { endpoints?: readonly { addresses: string[]; conditions: object }[] })[]
  const run = (name: string, ip: string) => {
    const there = api.get('pods', 'default', name)
    const status = { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] }
    api.replace('pods', { ...there, metadata: { ...there?.metadata }, status } as KubeObject)
  }

  it('place pods, say why one waits, and place it once there is room', async () => {
    node('a')
    node('b', { unschedulable: true })
    const port = { containerPort: 80, hostPort: 80, protocol: 'TCP' }
    pod('first', [port])
    await api.until(() => nodeOf('first') === 'a', 'the first is bound')
    pod('second', [port])
    const condition = () =>
      (api.get('pods', 'default', 'second')?.status as { conditions?: { reason?: string; message?: string }[] } | undefined)
        ?.conditions?.[0]
    await api.until(() => condition()?.reason === 'Unschedulable', 'the second waits')
    const words =
      "0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 1 node(s) were unschedulable."
    expect(condition()?.message).toContain(words)
    await api.until(() => api.messages().some((text) => text.startsWith(`FailedScheduling: ${words}`)), 'FailedScheduling')
    api.remove('pods', 'default', 'first', 0)
    await api.until(() => nodeOf('second') === 'a', 'the second is bound')
    await api.until(() => api.messages().includes('Scheduled: Successfully assigned default/second to a'), 'Scheduled')
  })

  it('keep the endpoints of a Service, and take them away with it', async () => {
    node('a')
    const spec = { selector: { app: 'a' }, clusterIP: '10.96.0.7', ipFamilies: ['IPv4'], ports: [{ port: 80, protocol: 'TCP' }] }
    api.create('services', { metadata: { name: 'web', namespace: 'default' }, spec } as KubeObject)
    await api.until(() => slices().length === 1, 'an empty slice')
    pod('p')
    await api.until(() => nodeOf('p') === 'a', 'bound')
    run('p', '10.0.0.5')
    await api.until(() => slices()[0]?.endpoints?.[0]?.addresses[0] === '10.0.0.5', 'the endpoint')
    expect(slices()).toMatchObject([
      { metadata: { generateName: 'web-' }, endpoints: [{ conditions: { ready: true }, nodeName: 'a' }] },
    ])
    await api.until(() => JSON.stringify(api.get('endpoints', 'default', 'web') ?? {}).includes('10.0.0.5'), 'the Endpoints')
    api.remove('pods', 'default', 'p', 30)
    await api.until(() => JSON.stringify(slices()[0]?.endpoints).includes('"terminating":true'), 'terminating')
    api.remove('services', 'default', 'web', 0)
    await api.until(() => slices().length === 0 && api.list('endpoints').length === 0, 'nothing left')
  })

  it('mirror Endpoints that a user wrote, and take the mirror away with them', async () => {
    const metadata = { name: 'mine', namespace: 'default' }
    api.create('services', { metadata, spec: { ports: [{ port: 80 }] } } as KubeObject)
    api.create('endpoints', { metadata, subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }] } as KubeObject)
    await api.until(() => slices()[0]?.endpoints?.[0]?.addresses[0] === '192.0.2.1', 'the mirror is there')
    expect(slices()[0]?.metadata.generateName).toBe('mine-')
    api.remove('endpoints', 'default', 'mine', 0)
    await api.until(() => slices().length === 0, 'the mirror is gone')
  })

  it('hold a silent node for gone, and its pods for not ready', async () => {
    node('a')
    pod('p')
    await api.until(() => nodeOf('p') === 'a', 'bound')
    run('p', '10.0.0.5')
    const ready = (object: KubeObject | undefined) =>
      ((object as { status?: { conditions?: { type: string; status: string }[] } } | undefined)?.status?.conditions ?? []).find(
        ({ type }) => type === 'Ready',
      )?.status
    await api.until(() => ready(api.get('nodes', '', 'a')) === 'Unknown', 'the node Unknown')
    await api.until(() => ready(api.get('pods', 'default', 'p')) === 'False', 'the pod not ready')
    const taints = () => ((api.get('nodes', '', 'a')?.spec as { taints?: { effect: string }[] } | undefined)?.taints ?? []).length
    await api.until(() => taints() === 2, 'the taints')
    await api.until(() => api.get('pods', 'default', 'p')?.metadata.deletionTimestamp !== undefined, 'the pod evicted')
    await api.until(
      () => api.messages().includes('RegisteredNode: Node a event: Registered Node a in Controller'),
      'RegisteredNode',
    )
  })
})
