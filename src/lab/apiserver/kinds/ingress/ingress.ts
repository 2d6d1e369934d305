import type { KindRecord, RawObject } from '../../kind.ts'
import { ageColumn, column, defineKind, nameColumn } from '../define.ts'
import type { View } from '../view.ts'
import { defaultClass } from './ingress-class.ts'
import { addressesOf, CLASS_ANNOTATION, specOf } from './types.ts'
import { validateIngress } from './validate.ts'

const MOST_HOSTS = 3

/** Source: kubernetes pkg/printers/internalversion/printers.go, printIngress. */
function hosts(object: RawObject): string {
  const names = (specOf(object).rules ?? []).flatMap(({ host }) => host || [])
  if (names.length === 0) return '*'
  const shown = names.slice(0, MOST_HOSTS).join(',')
  return names.length > MOST_HOSTS ? `${shown} + ${names.length - MOST_HOSTS} more...` : shown
}

function addresses(object: RawObject): string {
  const all = addressesOf(object).map(({ ip, hostname }) => ip || (hostname ?? ''))
  return all.toSorted().join(',')
}

function prepare(view: View, object: RawObject, old: RawObject | undefined): void {
  const { status } = object as { status?: { loadBalancer?: object } }
  object.status = old === undefined ? { loadBalancer: {} } : { ...status, loadBalancer: status?.loadBalancer ?? {} }
  const spec = specOf(object)
  const annotated = object.metadata.annotations?.[CLASS_ANNOTATION] !== undefined
  const fallback = old === undefined && spec.ingressClassName === undefined && !annotated ? defaultClass(view) : undefined
  if (fallback !== undefined) object.spec = { ingressClassName: fallback, ...spec }
}

function warnings(object: RawObject, old: RawObject | undefined): readonly string[] {
  const annotated = (of: RawObject | undefined): boolean => of?.metadata.annotations?.[CLASS_ANNOTATION] !== undefined
  return annotated(object) && !annotated(old)
    ? [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
    : []
}

/** The Ingress kind of a cluster; `view` is where it finds the default class. */
export function makeIngress(view: View): KindRecord {
  return defineKind({
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'Ingress',
    plural: 'ingresses',
    shortNames: ['ing'],
    namespaced: true,
    subresources: ['status'],
    schema: 'io.k8s.api.networking.v1.Ingress',
    storagePath: 'ingress',
    countsGeneration: true,
    prepare: (object, old) => prepare(view, object, old),
    validate: validateIngress,
    warnings,
    columns: [
      nameColumn,
      column(
        'Class',
        'string',
        'The name of the IngressClass resource that should be used for additional configuration',
        (object) => specOf(object).ingressClassName ?? object.metadata.annotations?.[CLASS_ANNOTATION] ?? '<none>',
      ),
      column('Hosts', 'string', 'Hosts that incoming requests are matched against before the ingress rule', hosts),
      column('Address', 'string', 'Address is a list containing ingress points for the load-balancer', addresses),
      column('Ports', 'string', 'Ports of TLS configurations that open', (object) =>
        (specOf(object).tls ?? []).length > 0 ? '80, 443' : '80',
      ),
      ageColumn,
    ],
  })
}
