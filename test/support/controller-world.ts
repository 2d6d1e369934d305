/** A server with the definitions of addresses, for tests of the controller. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { Controller, type ControllerOptions } from '../../src/controller/controller.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import type { FloatingAddressObject } from '../../src/kube/floating-address.ts'
import { ADDRESS_CLAIMS, FLOATING_ADDRESSES, IP_ADDRESS_POOLS } from '../../src/kube/load-balancer-resources.ts'
import { PODS, SERVICES } from '../../src/kube/resource.ts'
import type { Service, ServiceSpec } from '../../src/kube/types.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import { CRDS } from './crd-cases.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

export class ControllerWorld implements AsyncDisposable {
  readonly server: TestServer
  readonly client: KubeClient
  private readonly ends: (() => Promise<void>)[] = []

  private constructor(server: TestServer) {
    this.server = server
    this.client = this.newClient()
  }

  static async make(): Promise<ControllerWorld> {
    const server = await startTestServer()
    for (const name of ['fairway.dev_addressclaims', 'fairway.dev_floatingaddresses', 'metallb.io_ipaddresspools'])
      await server.call('POST', DEFINITIONS, parse(readFileSync(`${CRDS}/${name}.yaml`, 'utf8')))
    return new ControllerWorld(server)
  }

  newClient(): KubeClient {
    return createClient({
      ...{ server: this.server.url, insecure: false, namespace: 'default', source: 'test' },
      credentials: async () => ({ headers: {} }),
    })
  }

  /** A controller that is up and stands for election. `end` is its end by a signal. */
  async start(options: Partial<ControllerOptions> = {}) {
    const own = this.newClient()
    const stop = new AbortController()
    let ran: Promise<void> = Promise.resolve()
    const end = async () => {
      stop.abort()
      await ran
      own.close()
    }
    this.ends.push(end)
    const defaults = { client: own, identity: 'a', leaseNamespace: 'kube-system', leaseInMs: 1_000, loadBalancerClass: '' }
    const controller = new Controller({ ...defaults, signal: stop.signal, ...options })
    await controller.start()
    ran = controller.run()
    return { controller, end }
  }

  pool(name = 'first', addresses: readonly string[] = ['192.168.9.0/24']) {
    return this.client.create(IP_ADDRESS_POOLS, { metadata: { namespace: 'default', name }, spec: { addresses } })
  }

  service(name: string, spec: ServiceSpec = {}, annotations: Readonly<Record<string, string>> = {}): Promise<Service> {
    const metadata = { namespace: 'default', name, annotations }
    return this.client.create(SERVICES, { metadata, spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec } })
  }

  /** One of no pods; `spec` says which addresses. */
  floating(name: string, spec: object): Promise<FloatingAddressObject> {
    const metadata = { namespace: 'default', name }
    return this.client.create(FLOATING_ADDRESSES, { metadata, spec: { selector: { matchLabels: { app: 'edge' } }, ...spec } })
  }

  /** A pod of MetalLB's controller, with its condition Ready. */
  async metallb(ready: 'True' | 'False'): Promise<void> {
    const place = { namespace: 'default', name: 'controller-1' }
    const labels = { app: 'metallb', component: 'controller' }
    await this.client.create(PODS, { metadata: { ...place, labels }, spec: { containers: [{ name: 'c', image: 'a' }] } })
    const status = { conditions: [{ type: 'Ready', status: ready }] }
    await this.client.patch(PODS, place, { status }, { type: 'strategic', subresource: 'status' })
  }

  read(name: string): Promise<Service> {
    return this.client.get(SERVICES, { namespace: 'default', name })
  }

  async addresses(name: string): Promise<readonly string[]> {
    return (await this.read(name)).status?.loadBalancer?.ingress?.flatMap(({ ip }) => ip ?? []) ?? []
  }

  /** `ADDRESS POOL HOLDER,HOLDER`, and who is giving it up behind a `-`. */
  async claims(): Promise<readonly string[]> {
    const { items } = await this.client.list(ADDRESS_CLAIMS)
    return items.map(({ spec }) => {
      const leaving = (spec?.leaving ?? []).map((one) => ` -${one}`).join('')
      return `${spec?.address} ${spec?.pool} ${spec?.holders.join()}${leaving}`
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.ends.map((end) => end()))
    this.client.close()
    await this.server[Symbol.asyncDispose]()
  }
}
