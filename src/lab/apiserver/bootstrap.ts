/** What every cluster has from its first moment: four namespaces, the range of cluster addresses, and the Service `kubernetes` with its endpoints. */
import ipaddr from 'ipaddr.js'
import type { Logger } from '../../log/log.ts'
import type { RawObject } from './kind.ts'
import { timestamp } from './metadata.ts'
import type { Registry } from './registry.ts'
import { resourceOf, storeKey } from './stored.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

const OPTIONS: WriteOptions = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false }
const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const

export interface BootstrapOptions {
  readonly serviceRanges: readonly string[]
  /** Where clients in the cluster find this server. */
  readonly advertise: { readonly address: string; readonly port: number }
}

/** The first address of a range, which the Service `kubernetes` has: 10.96.0.1 of 10.96.0.0/12. */
export function firstAddress(range: string): string {
  const [network] = ipaddr.parseCIDR(range)
  const bytes = network.toByteArray()
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1
  return ipaddr.fromByteArray(bytes).toString()
}

/** Makes what is missing; leaves alone what is there. The endpoints follow the address that is advertised now. */
export function bootstrap(writer: Writer, registry: Registry, options: BootstrapOptions): void {
  for (const name of NAMESPACES) ensure(writer, registry, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  ensure(writer, registry, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: options.serviceRanges },
    status: { conditions: [readyCondition(writer.now())] },
  })
  const { address, port } = options.advertise
  const [range] = options.serviceRanges
  const metadata = () => ({ name: 'kubernetes', namespace: 'default' })
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  const servicePorts = [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }]
  const clusterIP = range === undefined ? {} : { clusterIP: firstAddress(range) }
  ensure(writer, registry, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata(), labels },
    spec: { type: 'ClusterIP', ipFamilyPolicy: 'SingleStack', ...clusterIP, ports: servicePorts },
  })
  const ports = [{ name: 'https', port, protocol: 'TCP' }]
  const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
  ensure(
    writer,
    registry,
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...metadata(), labels: skipMirror },
      subsets: [{ addresses: [{ ip: address }], ports }],
    },
    'subsets',
  )
  ensure(
    writer,
    registry,
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata(), labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: ipaddr.parse(address).kind() === 'ipv6' ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports,
    },
    'endpoints',
    'ports',
  )
}

/** As often as a real server looks after its own Service. */
const AGAIN_IN_MS = 10_000

/** Makes again what somebody deleted of it. Returns how to stop that. */
export function keepBasics(writer: Writer, registry: Registry, options: BootstrapOptions, log: Logger): () => void {
  const timer = setInterval(() => {
    try {
      bootstrap(writer, registry, options)
    } catch (err) {
      // Its namespace is still on its way out, or somebody took its address: there is a next time.
      log.warn({ err }, 'what every cluster has cannot be made')
    }
  }, AGAIN_IN_MS)
  timer.unref()
  return () => clearInterval(timer)
}

const readyCondition = (nowInMs: number) => ({
  type: 'Ready',
  status: 'True',
  reason: '',
  message: 'Kubernetes Service CIDR is ready',
  lastTransitionTime: timestamp(nowInMs),
})

/** Creates an object, or brings the named fields of the one that is there up to date. */
function ensure(writer: Writer, registry: Registry, object: RawObject, ...kept: readonly string[]): void {
  const record = registry.kinds.find((candidate) => candidate.kind === object.kind)
  if (record === undefined) return
  const { name = '', namespace } = object.metadata
  const place = { record, namespace, subresource: '' }
  const old = writer.store.get(resourceOf(record), storeKey(namespace, name))
  if (old === undefined) writer.create({ place, object, options: OPTIONS })
  else if (kept.length > 0) {
    const fields = Object.fromEntries(kept.map((field) => [field, object[field]]))
    writer.update({ place, object: structuredClone({ ...old.object, ...fields }), options: OPTIONS }, old)
  }
}
