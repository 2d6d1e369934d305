/**
 * The OpenAPI v3 documents of the server: `/openapi/v3` and one document a group-version, made when first asked for.
 *
 * kubectl reads them for apply (merge keys), explain, and to know whether the server validates fields.
 */
import { createHash } from 'node:crypto'
import type { KindRecord } from '../kind.ts'
import { kindPaths } from './paths.ts'
import { type OpenApiSchema, referenceOf, SCHEMAS } from './schemas.ts'

export interface OpenApiDocument {
  /** JSON. */
  readonly body: string
  /** SHA-512 of the body in upper-case hexadecimal, as the index names it. */
  readonly hash: string
}

/** What GET /openapi/v3 answers. Keys are `api/v1` and `apis/GROUP/VERSION`. */
export interface OpenApiIndex {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>
}

const VERSION = 'v1.36.2'
const PATCH_SCHEMA = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch'
/** By the first kind of a document; it holds as long as the others are the same. */
const made = new WeakMap<KindRecord, { readonly members: readonly KindRecord[]; readonly document: OpenApiDocument }>()

const groupVersion = (kind: KindRecord): string =>
  kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`

/** The index of documents for these kinds; makes every document, as their hashes stand in it. */
export function openapiIndex(kinds: readonly KindRecord[]): OpenApiIndex {
  const names = [...new Set(kinds.map(groupVersion))].toSorted()
  return {
    paths: Object.fromEntries(
      names.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}?hash=${openapiDocument(kinds, name)?.hash}` }]),
    ),
  }
}

/** One document by its key in the index; undefined when no kind is served there. The same kinds give the same object. */
export function openapiDocument(kinds: readonly KindRecord[], name: string): OpenApiDocument | undefined {
  const members = kinds.filter((kind) => groupVersion(kind) === name)
  const [first] = members
  if (first === undefined) return undefined
  const known = made.get(first)
  if (known?.members.length === members.length && known.members.every((kind, index) => kind === members[index]))
    return known.document
  const body = JSON.stringify({
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: VERSION },
    paths: Object.assign({}, ...members.map(kindPaths)),
    components: { schemas: schemasOf(members) },
  })
  const document = { body, hash: createHash('sha512').update(body).digest('hex').toUpperCase() }
  made.set(first, { members, document })
  return document
}

function schemasOf(kinds: readonly KindRecord[]): Readonly<Record<string, OpenApiSchema>> {
  const found = new Map<string, OpenApiSchema>([
    [
      PATCH_SCHEMA,
      { description: 'Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.', type: 'object' },
    ],
  ])
  const pending = kinds.flatMap((kind) => [kind.schema, `${kind.schema}List`])
  const published = Object.assign({}, ...kinds.map((kind) => kind.form?.published)) as Readonly<Record<string, OpenApiSchema>>
  pending.push('io.k8s.apimachinery.pkg.apis.meta.v1.Status', 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions')
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const schema = SCHEMAS[name] ?? published[name]
    if (schema === undefined || found.has(name)) continue
    found.set(name, schema)
    for (const property of Object.values(schema.properties ?? {})) {
      const reference = referenceOf(property.items ?? property.additionalProperties ?? property)
      if (reference !== undefined) pending.push(reference)
    }
  }
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
