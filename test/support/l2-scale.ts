/** A lab with many addresses on three nodes, one of which dies. */
import { expect, vi } from 'vitest'
import type { AgentState } from '../../src/agent/state.ts'
import { askUnix } from '../../src/http/unix-server.ts'
import { createClient } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { SERVICES } from '../../src/kube/resource.ts'
import type { Service } from '../../src/kube/types.ts'
import { runDir } from '../../src/lab/state.ts'
import { tryRun } from '../../src/linux/run.ts'
import { whileAsking } from './l2-failover.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from './live-lab.ts'

const NODES = ['ubuntu-1', 'optiplex-1', 'optiplex-2'] as const
const VICTIM = 'optiplex-1'
const soon = { timeout: 60_000, interval: 50 }
/** So many of its addresses are asked all the time: a client has two cores, too. */
const ASKED = 50

const OBJECTS = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: public }
spec: { addresses: [192.168.8.0/21] }
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: public }
---
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  nodeName: ubuntu-1
  containers: [{ name: echo, image: fairway/echo }]
`
const serviceOf = (number: number): Service => ({
  metadata: { namespace: 'default', name: `web-${number}` },
  spec: {
    ...{ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, selector: { app: 'web' } },
    ports: [{ port: 80, targetPort: 8080 }],
  },
})

/** By several at a time: kubectl would take half a minute for a thousand. */
async function createServices(lab: string, count: number): Promise<void> {
  const api = createClient(loadKubeConfig({ path: `${runDir()}/${lab}/kubeconfig/admin` }))
  const left = Array.from({ length: count }, (_, number) => serviceOf(number))
  const work = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await api.create(SERVICES, next)
  }
  try {
    await Promise.all(Array.from({ length: 16 }, work))
  } finally {
    api.close()
  }
}

export interface Moved {
  readonly addresses: number
  /** The longest time that new connections to any of those that were asked failed. */
  readonly darkInMs: number
  /** Of those that were asked, those whose move was noticed. */
  readonly noticed: number
  readonly asked: number
  /** What the API server wrote until all had moved: each write is one version. */
  readonly writes: number
}

/** `up` first; `down` also after a failure. */
export class L2Scale {
  private readonly name: string
  private readonly count: number
  private running: LiveLab | undefined

  /** `name` is the lab's. */
  constructor(name: string, count: number) {
    this.name = name
    this.count = count
  }

  async up(): Promise<void> {
    this.running = await bringUpLab(this.name, '--with', 'bgp')
    await this.lab.client('kubectl apply -f -', OBJECTS)
    await createServices(this.name, this.count)
    await this.lab.client('kubectl wait --for=condition=Ready pod/web --timeout=30s')
    await this.whole(NODES)
  }

  async down(): Promise<void> {
    await this.running?.down()
  }

  /** How many addresses each node announces. @throws {Error} unless each address has one owner */
  async shares(): Promise<readonly number[]> {
    const owned = await Promise.all(NODES.map((node) => this.announcedBy(node)))
    expect(new Set(owned.flat()).size).toBe(this.count)
    expect(owned.flat()).toHaveLength(this.count)
    return owned.map(({ length }) => length)
  }

  /** Pulls the cable of one node, and puts it back when the others have its addresses. */
  async moveAll(): Promise<Moved> {
    await this.quiet()
    const lost = await this.announcedBy(VICTIM)
    const asked = lost.slice(0, ASKED)
    let writes = 0
    const results = await whileAsking(this.name, { held: 0, intervalInMs: 50, addresses: asked }, async () => {
      const before = await this.writes()
      await this.fault('cut')
      await this.whole(NODES.filter((node) => node !== VICTIM))
      writes = (await this.writes()) - before
    })
    await this.fault('heal')
    await vi.waitFor(async () => expect(await this.announcedBy(VICTIM)).toHaveLength(lost.length), soon)
    const darkInMs = Math.max(...results.map((one) => one.darkInMs))
    const noticed = results.filter(({ failed }) => failed > 0).length
    return { addresses: lost.length, darkInMs, noticed, asked: asked.length, writes }
  }

  private get lab(): LiveLab {
    if (this.running === undefined) throw new Error('the lab is not up')
    return this.running
  }

  private async announcedBy(node: string): Promise<readonly string[]> {
    const { text } = await askUnix(`${runDir()}/${this.name}/agent/${node}/agent.sock`, '/state')
    return (JSON.parse(text) as AgentState).l2?.announced ?? []
  }

  /** Resolves once these nodes announce all addresses. */
  private async whole(nodes: readonly string[]): Promise<void> {
    const size = async () => new Set((await Promise.all(nodes.map((node) => this.announcedBy(node)))).flat()).size
    await vi.waitFor(async () => expect(await size()).toBe(this.count), soon)
  }

  private async writes(): Promise<number> {
    const list = JSON.parse(await this.lab.client('kubectl get --raw /api/v1/namespaces/default/configmaps?limit=1')) as {
      readonly metadata: { readonly resourceVersion: string }
    }
    return Number(list.metadata.resourceVersion)
  }

  /** Resolves once everybody has told what there is to tell of the beginning. */
  private async quiet(): Promise<void> {
    const inASecond = async () => {
      const before = await this.writes()
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      return (await this.writes()) - before
    }
    await vi.waitFor(async () => expect(await inASecond()).toBeLessThan(10), soon)
  }

  private async fault(verb: 'cut' | 'heal'): Promise<void> {
    const result = await tryRun([FAIRWAY, 'lab', 'node', verb, VICTIM, '--name', this.name])
    expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  }
}
