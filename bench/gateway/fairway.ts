/** Fairway as a contestant: the gateway's two processes as they run in a cluster, and an API server in this process. */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { haproxyArgs } from '../../src/engine/haproxy/directory.ts'
import { FakeApi } from '../../src/kube/fake/fake-api.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import { inNetns, netnsPath, withNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { type Contestant, hostOf, type Processes, podOf } from './contestant.ts'
import { GATEWAY_ADDRESS, POD_PORT, type Site } from './site.ts'

const ROOT = join(import.meta.dirname, '../..')
const API_PORT = 6443
const NAMESPACE = 'bench'

/** Bundles what ships, and calls `action` with its main file. */
export async function withBundle<T>(action: (main: string) => Promise<T>): Promise<T> {
  // in the checkout, so that the bundle finds what it is shipped with
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const dist = mkdtempSync(join(ROOT, '.cache/bench-gateway-'))
  try {
    await run([process.execPath, join(ROOT, 'scripts/bundle.ts'), dist])
    return await action(join(dist, 'main.js'))
  } finally {
    rmSync(dist, { recursive: true, force: true })
  }
}

export class Fairway implements Contestant {
  readonly name = 'Fairway'
  readonly port = 80
  private readonly main: string
  private readonly api = new FakeApi()
  private controller: ChildProcess | undefined
  private proxy: ChildProcess | undefined

  constructor(main: string) {
    this.main = main
  }

  async open(site: Site, routes: number): Promise<void> {
    const dir = join(site.folder, 'fairway')
    const kubeconfig = join(site.folder, 'kubeconfig')
    writeFileSync(kubeconfig, KUBECONFIG)
    this.api.store.put('/apis/networking.k8s.io/v1/ingressclasses', {
      metadata: { name: 'fairway' },
      spec: { controller: 'fairway.dev/ingress' },
    } as KubeObject)
    // Services of the routes that come later, too: what is measured is the route
    for (let route = 0; route < routes * 2 + 100; route++) this.putService(route)
    for (let route = 0; route < routes; route++) this.add(route)
    withNetns(netnsPath(site.gateway), () => this.api.listenHere(API_PORT))
    const flags = ['--dir', dir, '--kubeconfig', kubeconfig, '--publish-address', GATEWAY_ADDRESS]
    await run(inNetns(site.gateway, [process.execPath, this.main, 'gateway', '--prepare', ...flags]))
    this.proxy = site.start(site.gateway, ['haproxy', ...haproxyArgs(dir)])
    this.controller = site.start(site.gateway, [process.execPath, this.main, 'gateway', ...flags])
    await site.until({ port: this.port, host: hostOf(routes - 1), want: podOf(routes - 1, 0) }).promise
  }

  add(route: number): void {
    const backend = { service: { name: `s${route}`, port: { number: 80 } } }
    this.api.store.put('/apis/networking.k8s.io/v1/ingresses', {
      metadata: { namespace: NAMESPACE, name: `r${route}`, uid: `u${route}`, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: {
        ingressClassName: 'fairway',
        rules: [{ host: hostOf(route), http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      },
    } as KubeObject)
  }

  move(route: number, turn: number): void {
    this.api.store.put('/apis/discovery.k8s.io/v1/endpointslices', {
      metadata: { namespace: NAMESPACE, name: `s${route}`, labels: { 'kubernetes.io/service-name': `s${route}` } },
      addressType: 'IPv4',
      ports: [{ name: 'http', protocol: 'TCP', port: POD_PORT }],
      endpoints: [{ addresses: [podOf(route, turn)], conditions: { ready: true, serving: true, terminating: false } }],
    } as KubeObject)
  }

  async rest(): Promise<void> {}

  get processes(): readonly Processes[] {
    return [
      { name: 'controller', pids: [this.controller?.pid ?? 0] },
      { name: 'HAProxy', pids: [this.proxy?.pid ?? 0] },
    ]
  }

  async close(): Promise<void> {
    await this.api.close().catch(() => undefined)
  }

  private putService(route: number): void {
    this.api.store.put('/api/v1/services', {
      metadata: { namespace: NAMESPACE, name: `s${route}` },
      spec: { type: 'ClusterIP', clusterIPs: [], ipFamilies: ['IPv4'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    } as KubeObject)
    this.move(route, 0)
  }
}

const KUBECONFIG = `current-context: c
contexts: [{ name: c, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:${API_PORT}' } }]
users: [{ name: u, user: { token: secret } }]
`
