/** The bed of MetalLB's cases: a whole lab, MetalLB's objects in it, and what a client on the nodes' subnet sees of their addresses. */
import { expect } from 'vitest'
import { BGP_PEERS, NAMESPACES } from '../../../src/kube/bgp-resources.ts'
import {
  ADDRESS_CLAIMS,
  BGP_ADVERTISEMENTS,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
} from '../../../src/kube/load-balancer-resources.ts'
import { NODES as NODE_OBJECTS, type Resource, SERVICES } from '../../../src/kube/resource.ts'
import { SERVICE_L2_STATUSES } from '../../../src/kube/service-status-object.ts'
import type { SettingsObject } from '../../../src/kube/settings.ts'
import type { Node, Service, ServiceSpec } from '../../../src/kube/types.ts'
import { hostNamespace } from '../../../src/lab/names.ts'
import { runDir } from '../../../src/lab/state.ts'
import { labProcesses } from '../../../src/lab/status.ts'
import { inNetns } from '../../../src/linux/netns.ts'
import { run } from '../../../src/linux/run.ts'
import { Bed, NODES, soon } from '../service-e2e/bed.ts'

const SETTINGS = 'metallb-system'
/** The answer of a pod that is asked for its name. */
const POD = /^web-/

export interface ServiceWish {
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec?: ServiceSpec
}

export class MetallbBed {
  readonly bed: Bed
  /** What a test made and nobody deleted yet, the last one first. */
  private made: (readonly [Resource<never>, { readonly namespace?: string; readonly name: string }])[] = []
  private readonly nodeOfMac = new Map<string, string>()

  private constructor(bed: Bed) {
    this.bed = bed
  }

  /** A pod `web-NODE` on every node, behind every Service that does not say otherwise. */
  static async up(name: string, ...flags: readonly string[]): Promise<MetallbBed> {
    const all = new MetallbBed(await Bed.up(name, ...flags))
    await all.namespace(SETTINGS, {})
    await all.bed.pods(...NODES.map((node) => ({ name: `web-${node}`, node, labels: { app: 'web', node } })))
    for (const node of NODES) for (const mac of await all.macsOf(node)) all.nodeOfMac.set(mac, node)
    return all
  }

  down(): Promise<void> {
    return this.bed.down()
  }

  /** Deletes what the test made, and waits until its addresses are free. */
  async clean(): Promise<void> {
    const made = this.made.reverse()
    this.made = []
    for (const [resource, name] of made) await this.bed.api.delete(resource, name).catch(() => undefined)
    while ((await this.bed.api.list(ADDRESS_CLAIMS)).items.length > 0) await soon()
  }

  async namespace(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.bed.api.create(NAMESPACES, { metadata: { name, labels } })
  }

  /** Kills the controller and waits until another one leads. */
  async restartController(): Promise<void> {
    const pid = () => labProcesses(this.bed.lab.name).find(({ name }) => name === 'controller')?.identity?.pid ?? 0
    const before = pid()
    process.kill(before, 'SIGKILL')
    while (pid() === before || pid() === 0) await soon()
  }

  pool(name: string, addresses: readonly string[], spec: object = {}, metadata: object = {}): Promise<void> {
    return this.put(IP_ADDRESS_POOLS, name, { addresses, ...spec }, metadata)
  }

  l2(name: string, spec: object = {}): Promise<void> {
    return this.put(L2_ADVERTISEMENTS, name, spec)
  }

  bgp(name: string, spec: object = {}): Promise<void> {
    return this.put(BGP_ADVERTISEMENTS, name, spec)
  }

  async remove(kind: 'pool' | 'l2', name: string): Promise<void> {
    await this.bed.api.delete(kind === 'pool' ? IP_ADDRESS_POOLS : L2_ADVERTISEMENTS, { namespace: SETTINGS, name })
  }

  /** Makes the object, or gives it this spec in the place of the one that it has. */
  private async put(resource: Resource<SettingsObject>, name: string, spec: object, metadata: object = {}): Promise<void> {
    const at = { namespace: SETTINGS, name }
    const isThere = await this.bed.api.get(resource, at).then(
      () => true,
      () => false,
    )
    if (isThere) {
      await this.bed.api.patch(resource, at, [{ op: 'replace', path: '/spec', value: spec }], { type: 'json' })
      return
    }
    await this.bed.api.create(resource, {
      ...{ apiVersion: `${resource.group}/${resource.version}`, kind: resource.kind },
      ...{ metadata: { ...at, ...metadata }, spec },
    } as SettingsObject)
    this.made.push([resource as Resource<never>, at])
  }

  /** Of type LoadBalancer, with the pods behind port 80. */
  async service(name: string, { namespace = 'default', labels, annotations, spec }: ServiceWish = {}): Promise<void> {
    const metadata = { namespace, name, ...(labels && { labels }), ...(annotations && { annotations }) }
    const usual = { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }
    await this.bed.api.create(SERVICES, { metadata, spec: { ...usual, ...spec } } as Service)
    this.made.push([SERVICES as Resource<never>, { namespace, name }])
  }

  /** Its addresses, in the order of its status. */
  async addresses(name: string, namespace = 'default'): Promise<readonly string[]> {
    const { status } = await this.bed.api.get(SERVICES, { namespace, name })
    return (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)
  }

  /** Makes a Service and waits until its addresses are these. */
  async gives(name: string, addresses: readonly string[], wish?: ServiceWish): Promise<void> {
    await this.service(name, wish)
    await expect.poll(() => this.addresses(name, wish?.namespace), { message: name }).toEqual(addresses)
  }

  async relabel(node: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.bed.api.patch(NODE_OBJECTS, { name: node }, { metadata: { labels } }, { type: 'merge' })
  }

  async condition(node: string, type: string, status: string): Promise<void> {
    await this.patchNode(node, { status: { conditions: [{ type, status, reason: 'Test', message: '' }] } }, 'status')
  }

  async labelService(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.bed.api.patch(SERVICES, { namespace: 'default', name }, { metadata: { labels } }, { type: 'merge' })
  }

  /** What Events of an object say. */
  eventsOf(name: string): Promise<string> {
    return this.bed.lab.client(`kubectl get events --field-selector involvedObject.name=${name}`)
  }

  async poolOf(service: string): Promise<string> {
    const { metadata } = await this.bed.api.get(SERVICES, { namespace: 'default', name: service })
    return metadata.annotations?.['metallb.io/ip-allocated-from-pool'] ?? ''
  }

  /** The nodes that have an address. */
  async holders(address: string): Promise<readonly string[]> {
    const texts = await Promise.all(NODES.map(async (node) => ({ node, text: await this.on(node, 'ip -o addr') })))
    return texts.filter(({ text }) => text.includes(` ${address}/`)).map(({ node }) => node)
  }

  async patchNode(node: string, patch: object, subresource?: 'status'): Promise<Node> {
    const options = { type: 'strategic', ...(subresource && { subresource }) } as const
    return await this.bed.api.patch(NODE_OBJECTS, { name: node }, patch, options)
  }

  /** `NODE INTERFACE,...` of what ServiceL2Status objects say of a Service. */
  async said(service: string): Promise<readonly string[]> {
    const { items } = await this.bed.api.list(SERVICE_L2_STATUSES, { labelSelector: `metallb.io/service-name=${service}` })
    return items.map(({ status = {} }) => {
      const { node, interfaces = [] } = status as { node?: string; interfaces?: readonly { name: string }[] }
      return `${node} ${interfaces.map(({ name }) => name).join()}`
    })
  }

  /** The node that answers for an address and brings packets to a pod, as a client sees it that knew nothing of it; '' when none does. */
  async announcer(address: string, port = 80): Promise<string> {
    const family = address.includes(':') ? '-6' : '-4'
    await this.on('client', `ip ${family} neigh flush to ${address} dev eth0`)
    const answer = await this.bed.ask('client', { address, port })
    const mac = /lladdr (\S+)/.exec(await this.on('client', `ip ${family} neigh show ${address} dev eth0`))?.[1] ?? ''
    if (mac === '' && answer.error !== undefined) return ''
    return POD.test(answer.pod ?? '') ? (this.nodeOfMac.get(mac) ?? mac) : `${this.nodeOfMac.get(mac)}: ${answer.error}`
  }

  /** Waits until this node is the announcer. */
  async isAnnouncedBy(address: string, node: string): Promise<void> {
    await expect.poll(() => this.announcer(address), { message: address }).toBe(node)
  }

  /** Waits until anybody is; resolves to the node. */
  async anyAnnouncer(address: string): Promise<string> {
    await expect.poll(() => this.announcer(address), { message: address }).toMatch(/^(ubuntu-1|optiplex-1|optiplex-2)$/)
    return await this.announcer(address)
  }

  /** What FRR on the lab's router says to a question, as JSON. */
  async router(question: string): Promise<unknown> {
    return JSON.parse(
      await run(['vtysh', '--vty_socket', `${runDir()}/${this.bed.lab.name}/routers/tor`, '-c', `${question} json`]),
    )
  }

  /** Changes the spec of a BGPPeer. */
  async peer(name: string, spec: object): Promise<void> {
    await this.bed.api.patch(BGP_PEERS, { namespace: 'default', name }, { spec }, { type: 'merge' })
  }

  /** The hardware address that answers on an interface of the client when it asks there for an IPv4 address; '' when nobody does. */
  async resolve(address: string, link: string): Promise<string> {
    await this.on('client', `ip route replace ${address} dev ${link} && ip neigh flush to ${address}`)
    await this.bed.ask('client', { address, port: 80, timeoutInMs: 1_000 })
    const said = await this.on('client', `ip neigh show ${address} dev ${link} && ip route del ${address} dev ${link}`)
    return /lladdr (\S+)/.exec(said)?.[1] ?? ''
  }

  async macOf(host: string, link: string): Promise<string> {
    return /link\/ether (\S+)/.exec(await this.on(host, `ip -o link show ${link}`))?.[1] ?? ''
  }

  private async macsOf(host: string): Promise<readonly string[]> {
    const text = await this.on(host, 'ip -o link show eth0')
    return [...text.matchAll(/link\/ether (\S+)/g)].map(([, mac = '']) => mac)
  }

  netnsOf(host: string): string {
    return hostNamespace(this.bed.lab.name, host)
  }

  /** What a shell line prints in the namespace of a host. @throws {FairwayError} when it fails */
  async on(host: string, line: string): Promise<string> {
    return await run(inNetns(this.netnsOf(host), ['sh', '-c', line]))
  }
}
