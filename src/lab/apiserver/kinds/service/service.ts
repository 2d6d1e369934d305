import { NodePorts } from '../../allocators/node-ports.ts'
import type { ServiceAddresses } from '../../allocators/service-addresses.ts'
import type { KindRecord, RawObject } from '../../kind.ts'
import { ageColumn, column, defineKind, nameColumn, selectorText, wide } from '../define.ts'
import { ServiceAllocation } from './allocation.ts'
import { serviceDefaults } from './defaults.ts'
import { prepareService } from './prepare.ts'
import { ingressOf, specOf } from './types.ts'
import { validateService } from './validate.ts'
import { serviceWarnings } from './warnings.ts'

/** The Service kind of a cluster with these addresses and ports. */
export function makeService(addresses: ServiceAddresses, nodePortRange: readonly [number, number]): KindRecord {
  return defineKind({
    group: '',
    version: 'v1',
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    namespaced: true,
    subresources: ['status'],
    schema: 'io.k8s.api.core.v1.Service',
    nameRule: 'dns-label',
    returnsDeleted: true,
    createsOnUpdate: true,
    storagePath: 'services/specs',
    selectableFields: {
      'spec.clusterIP': (service) => specOf(service).clusterIP ?? '',
      'spec.type': (service) => specOf(service).type ?? '',
    },
    defaults: serviceDefaults,
    prepare: prepareService,
    validate: validateService,
    warnings: serviceWarnings,
    allocation: new ServiceAllocation(addresses, new NodePorts(nodePortRange)),
    columns: [
      nameColumn,
      column('Type', 'string', 'api.core.v1.ServiceSpec.type', (service) => specOf(service).type ?? ''),
      column(
        'Cluster-IP',
        'string',
        'api.core.v1.ServiceSpec.clusterIP',
        (service) => specOf(service).clusterIPs?.[0] ?? '<none>',
      ),
      column('External-IP', 'string', 'api.core.v1.ServiceSpec.externalIPs', externalAddresses),
      column('Port(s)', 'string', 'api.core.v1.ServiceSpec.ports', ports),
      ageColumn,
      wide('Selector', 'string', 'api.core.v1.ServiceSpec.selector', (service) => selectorText(specOf(service).selector)),
    ],
  })
}

function externalAddresses(service: RawObject): string {
  const spec = specOf(service)
  if (spec.type === 'ExternalName') return spec.externalName ?? ''
  const own = spec.externalIPs ?? []
  if (spec.type !== 'LoadBalancer') return own.join(',') || '<none>'
  const balanced = new Set(ingressOf(service).map((ingress) => ingress.ip || (ingress.hostname ?? '')))
  return [...[...balanced].toSorted(), ...own].join(',') || '<pending>'
}

function ports(service: RawObject): string {
  const texts = (specOf(service).ports ?? []).map(
    ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`,
  )
  return texts.join(',') || '<none>'
}
