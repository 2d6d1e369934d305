/** Where the objects of a kind are found in the API. */
import type {
  DataObject,
  EndpointSlice,
  Endpoints,
  Event,
  Ingress,
  KubeObject,
  Lease,
  Node,
  Pod,
  Service,
  ServiceCIDR,
} from './types.ts'

/** A resource of the API; `T` is what its objects look like. `group` is '' for the core group. */
export interface Resource<T extends KubeObject> {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Never there: it ties the resource to its type. */
  readonly object?: T
}

/** Names one object; `namespace` is absent for cluster-scoped ones. */
export interface ObjectName {
  readonly namespace?: string
  readonly name: string
}

const core = (plural: string, kind: string, namespaced = true) => ({ group: '', version: 'v1', plural, kind, namespaced })

export const PODS: Resource<Pod> = core('pods', 'Pod')
export const SERVICES: Resource<Service> = core('services', 'Service')
export const ENDPOINTS: Resource<Endpoints> = core('endpoints', 'Endpoints')
export const EVENTS: Resource<Event> = core('events', 'Event')
export const CONFIG_MAPS: Resource<DataObject> = core('configmaps', 'ConfigMap')
export const SECRETS: Resource<DataObject> = core('secrets', 'Secret')
export const NODES: Resource<Node> = core('nodes', 'Node', false)
export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
}
export const SERVICE_CIDRS: Resource<ServiceCIDR> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'servicecidrs',
  kind: 'ServiceCIDR',
  namespaced: false,
}
export const INGRESSES: Resource<Ingress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingresses',
  kind: 'Ingress',
  namespaced: true,
}
export const INGRESS_CLASSES: Resource<KubeObject> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingressclasses',
  kind: 'IngressClass',
  namespaced: false,
}
export const LEASES: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}

/** `group/version`, or the bare version for the core group: what `apiVersion` says. */
export function apiVersionOf(resource: Resource<KubeObject>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** The path of a collection; of all namespaces when a namespaced resource is asked for without one. */
export function collectionPath(resource: Resource<KubeObject>, namespace?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${resource.plural}`
}

/** The path of one object, or of a subresource of it. */
export function objectPath(resource: Resource<KubeObject>, object: ObjectName, subresource = ''): string {
  const path = `${collectionPath(resource, object.namespace)}/${encodeURIComponent(object.name)}`
  return subresource === '' ? path : `${path}/${subresource}`
}

/** `namespace/name`, or the bare name of a cluster-scoped object: the key of an object in maps. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`
}
