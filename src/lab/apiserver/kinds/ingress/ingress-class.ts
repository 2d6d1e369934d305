import type { RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { ageColumn, column, defineKind, nameColumn } from '../define.ts'
import type { View } from '../view.ts'

interface Parameters {
  apiGroup?: string
  kind?: string
  name?: string
  namespace?: string
  scope?: string
}

interface IngressClass extends RawObject {
  spec?: { controller?: string; parameters?: Parameters }
}

const IS_DEFAULT = 'ingressclass.kubernetes.io/is-default-class'
const LONGEST_CONTROLLER = 250

const specOf = (object: RawObject): NonNullable<IngressClass['spec']> => (object as IngressClass).spec ?? {}

/** The class of an Ingress that names none: of those marked as default the newest. Source: plugin/pkg/admission/network/defaultingressclass. */
export function defaultClass(view: View): string | undefined {
  const marked = view('ingressclasses.networking.k8s.io').filter(({ metadata }) => metadata.annotations?.[IS_DEFAULT] === 'true')
  const newest = marked.toSorted((a, b) => {
    const [earlier = '', later = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
    if (earlier !== later) return earlier < later ? 1 : -1
    return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
  })
  return newest[0]?.metadata.name
}

function defaults(object: RawObject): void {
  const { parameters } = specOf(object)
  if (parameters !== undefined) parameters.scope ??= 'Cluster'
}

function validate(object: RawObject, old: RawObject | undefined): check.FieldErrors {
  const { controller = '', parameters } = specOf(object)
  if (old !== undefined && specOf(old).controller !== controller)
    return check.unchanged('spec.controller', controller, specOf(old).controller)
  return [...controllerErrors(controller), ...(parameters === undefined ? [] : parameterErrors(parameters))]
}

function controllerErrors(controller: string): check.FieldErrors {
  const field = 'spec.controller'
  const [domain = '', ...path] = controller.split('/')
  if (controller === '') return [check.required(field)]
  if (controller.length > LONGEST_CONTROLLER)
    return [{ type: 'TooLong', field, detail: `may not be more than ${LONGEST_CONTROLLER} bytes` }]
  if (path.length === 0 || path.join('/') === '')
    return [check.invalid(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  return check.dnsSubdomain(field, domain).map((error) => ({ ...error, value: domain }))
}

function parameterErrors({ kind = '', name = '', namespace = '', scope = '' }: Parameters): check.FieldErrors {
  const field = 'spec.parameters'
  const missing = Object.entries({ kind, name }).filter(([, value]) => value === '')
  const errors = missing.map(([part]) => check.required(`${field}.${part}`))
  errors.push(...check.oneOf(`${field}.scope`, scope, ['Cluster', 'Namespace']))
  if (scope === 'Namespace' && namespace === '')
    errors.push(check.required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'"))
  if (scope === 'Cluster' && namespace !== '')
    errors.push(check.forbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  return errors
}

function parametersText(object: RawObject): string {
  const { parameters } = specOf(object)
  if (parameters === undefined) return '<none>'
  const { apiGroup, kind, name } = parameters
  return `${apiGroup === undefined ? kind : `${kind}.${apiGroup}`}/${name}`
}

export const ingressClass = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  schema: 'io.k8s.api.networking.v1.IngressClass',
  countsGeneration: true,
  defaults,
  validate,
  columns: [
    nameColumn,
    column(
      'Controller',
      'string',
      'Controller that is responsible for handling this class',
      (object) => specOf(object).controller ?? '',
    ),
    column('Parameters', 'string', 'A reference to a resource with additional parameters', parametersText),
    ageColumn,
  ],
})
