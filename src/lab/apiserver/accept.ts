/** Which form of answer a request asks for: the object, a Table, metadata only, or YAML of any of them. */
import { notAcceptable } from './status.ts'

export interface Form {
  readonly as: 'object' | 'table' | 'partial' | 'partial-list' | 'discovery-v2' | 'discovery-v2beta1'
  /** Version of meta.k8s.io for tables and metadata. */
  readonly version: 'v1' | 'v1beta1'
  readonly yaml: boolean
}

const OFFERED: readonly string[] = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
]

const PLAIN: Form = { as: 'object', version: 'v1', yaml: false }

const AS: Readonly<Record<string, Form['as']>> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial-list',
}

function formOf(range: string): Form | undefined {
  const [media = '', ...rest] = range.split(';').map((part) => part.trim())
  const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]))
  const json = media === 'application/json' || media === '*/*' || media === 'application/*'
  const yaml = media === 'application/yaml'
  if (!json && !yaml) return undefined
  const as = parameters.get('as')
  const group = parameters.get('g')
  const version = parameters.get('v')
  if (as === undefined) return { ...PLAIN, yaml }
  if (as === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io') {
    if (version === 'v2') return { ...PLAIN, as: 'discovery-v2' }
    return version === 'v2beta1' ? { ...PLAIN, as: 'discovery-v2beta1' } : undefined
  }
  const form = AS[as]
  if (form === undefined || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined
  return { as: form, version, yaml }
}

/**
 * The first range of an Accept header that can be served; protobuf never is, as clients offer JSON beside it.
 * @throws {ApiError} 406
 */
export function negotiate(accept: string | undefined, discovery = false): Form {
  if (accept === undefined || accept.trim() === '') return PLAIN
  for (const range of accept.split(',')) {
    const form = formOf(range)
    if (form === undefined) continue
    if (form.as.startsWith('discovery') && !discovery) continue
    return form
  }
  throw notAcceptable(OFFERED)
}
