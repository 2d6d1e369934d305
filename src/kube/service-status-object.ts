/** What one node says of one Service: objects of the kinds that MetalLB has for it. Their names are not asked for by anybody: labels find them. */
import { createHash } from 'node:crypto'
import type { ObjectKey } from '../model/world.ts'
import type { Resource } from './resource.ts'
import type { KubeObject } from './types.ts'

export interface ServiceStatusObject extends KubeObject {
  readonly status?: Readonly<Record<string, unknown>>
}

/** Source: deploy/crds/metallb.io_servicebgpstatuses.yaml. */
export const SERVICE_BGP_STATUSES: Resource<ServiceStatusObject> = {
  group: 'metallb.io',
  version: 'v1beta1',
  plural: 'servicebgpstatuses',
  kind: 'ServiceBGPStatus',
  namespaced: true,
}

/** Source: deploy/crds/metallb.io_servicel2statuses.yaml. */
export const SERVICE_L2_STATUSES: Resource<ServiceStatusObject> = {
  group: 'metallb.io',
  version: 'v1beta1',
  plural: 'servicel2statuses',
  kind: 'ServiceL2Status',
  namespaced: true,
}

/** Source: MetalLB, which finds the objects of a Service by these. */
const NODE_LABEL = 'metallb.io/node'
const LONGEST_LABEL = 63
const LONGEST_NAME = 253
const HASH_LENGTH = 10

/** The label selector of all objects that a node wrote. */
export function writtenBy(node: string): string {
  return `${NODE_LABEL}=${shortened(node, LONGEST_LABEL)}`
}

/** Where the object of a node and a Service is: beside the Service. `service` is `namespace/name`. */
export function serviceStatusName(node: string, service: ObjectKey): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = service.split('/')
  return { namespace, name: shortened(`${name}--${node}`, LONGEST_NAME) }
}

/** The object without its status; it goes when its node goes. `nodeUid` '' when that is not known. */
export function serviceStatusObject(node: string, service: ObjectKey, nodeUid: string): ServiceStatusObject {
  const where = serviceStatusName(node, service)
  const owner = { apiVersion: 'v1', kind: 'Node', name: node, uid: nodeUid }
  const labels = {
    [NODE_LABEL]: shortened(node, LONGEST_LABEL),
    'metallb.io/service-namespace': where.namespace,
    'metallb.io/service-name': shortened(service.slice(where.namespace.length + 1), LONGEST_LABEL),
  }
  return { metadata: { ...where, labels, ...(nodeUid === '' ? {} : { ownerReferences: [owner] }) } }
}

/** The whole status as a merge patch; `more` is what the kind says beside whose it is. */
export function serviceStatusPatch(node: string, service: ObjectKey, more: Readonly<Record<string, unknown>>) {
  const [serviceNamespace = '', serviceName = ''] = service.split('/')
  return { status: { node, serviceName, serviceNamespace, ...more } }
}

/** One that is too long ends in a hash, so that no two are the same. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH)
  return `${text.slice(0, most - HASH_LENGTH - 1).replace(/[^A-Za-z0-9]+$/, '')}-${hash}`
}
