/** The `paths` of an OpenAPI v3 document: for each kind the operations that the server has, as far as clients read them. */
import type { KindRecord } from '../kind.ts'

type Json = Readonly<Record<string, unknown>>

const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]
const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => !type.includes('strategic'))
const BODY_TYPES = ['application/json', 'application/yaml']

const query = (name: string, type = 'string'): Json => ({ name, in: 'query', schema: { type, uniqueItems: true } })
const DRY_RUN = query('dryRun')
const WRITE = [DRY_RUN, query('fieldManager'), query('fieldValidation')]
const LIST = [
  ...['allowWatchBookmarks', 'sendInitialEvents', 'watch'].map((name) => query(name, 'boolean')),
  ...['continue', 'fieldSelector', 'labelSelector', 'resourceVersion', 'resourceVersionMatch'].map((name) => query(name)),
  ...['limit', 'timeoutSeconds'].map((name) => query(name, 'integer')),
]
const DELETE = [DRY_RUN, query('gracePeriodSeconds', 'integer'), query('orphanDependents', 'boolean'), query('propagationPolicy')]

const reference = (schema: string): Json => ({ $ref: `#/components/schemas/${schema}` })
const content = (types: readonly string[], schema: string): Json =>
  Object.fromEntries(types.map((type) => [type, { schema: reference(schema) }]))
const inPath = (name: string): Json => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } })

/** One operation: what it does, on what, with which parameters, body and answer. */
interface Operation {
  readonly action: string
  readonly parameters?: readonly Json[]
  readonly body?: { readonly types: readonly string[]; readonly schema: string }
  readonly answer: string
}

const STATUS = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status'
const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'

function operation(kind: KindRecord, of: Operation): Json {
  return {
    tags: [`${kind.group === '' ? 'core' : kind.group.split('.')[0]}_${kind.version}`],
    ...(of.parameters === undefined ? {} : { parameters: of.parameters }),
    ...(of.body === undefined ? {} : { requestBody: { content: content(of.body.types, of.body.schema), required: true } }),
    responses: { '200': { description: 'OK', content: content(BODY_TYPES, of.answer) } },
    'x-kubernetes-action': of.action,
    'x-kubernetes-group-version-kind': { group: kind.group, version: kind.version, kind: kind.kind },
  }
}

const read = (kind: KindRecord): Operation => ({ action: 'get', answer: kind.schema })
const replace = (kind: KindRecord): Operation => ({
  action: 'put',
  parameters: WRITE,
  body: { types: BODY_TYPES, schema: kind.schema },
  answer: kind.schema,
})
const patch = (kind: KindRecord): Operation => ({
  action: 'patch',
  parameters: [...WRITE, query('force', 'boolean')],
  body: {
    types: kind.form === undefined ? PATCH_TYPES : CUSTOM_PATCH_TYPES,
    schema: 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch',
  },
  answer: kind.schema,
})

/** Paths of one kind, below `/api/v1` or `/apis/GROUP/VERSION`. */
export function kindPaths(kind: KindRecord): Json {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const collection = `${root}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}`
  const shared = kind.namespaced ? [inPath('namespace')] : []
  const list: Operation = { action: 'list', parameters: LIST, answer: `${kind.schema}List` }
  const one = [inPath('name'), ...shared]
  const paths: Record<string, Json> = {
    [collection]: {
      parameters: shared,
      get: operation(kind, list),
      post: operation(kind, {
        action: 'post',
        parameters: WRITE,
        body: { types: BODY_TYPES, schema: kind.schema },
        answer: kind.schema,
      }),
      delete: operation(kind, { action: 'deletecollection', parameters: [...LIST, ...DELETE], answer: STATUS }),
    },
    [`${collection}/{name}`]: {
      parameters: one,
      get: operation(kind, read(kind)),
      put: operation(kind, replace(kind)),
      patch: operation(kind, patch(kind)),
      delete: operation(kind, {
        action: 'delete',
        parameters: DELETE,
        body: { types: BODY_TYPES, schema: DELETE_OPTIONS },
        answer: kind.schema,
      }),
    },
  }
  if (kind.namespaced) paths[`${root}/${kind.plural}`] = { get: operation(kind, list) }
  if (kind.subresources.includes('status'))
    paths[`${collection}/{name}/status`] = {
      parameters: one,
      get: operation(kind, read(kind)),
      put: operation(kind, replace(kind)),
      patch: operation(kind, patch(kind)),
    }
  return paths
}
