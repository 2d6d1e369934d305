import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { generateSchemas } from '../../../../scripts/generate-openapi.ts'
import { makeKinds } from '../kinds/index.ts'
import { ATOMIC_MAPS, ATOMIC_SCHEMAS, ENUMS, LIST_RULES, QUANTITIES, RETAIN_KEYS } from './extensions.ts'
import { openapiDocument, openapiIndex } from './index.ts'
import { type OpenApiSchema, SCHEMAS } from './schemas.ts'

const kinds = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30000, 32767] })

interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly parameters?: readonly { readonly name: string }[] }>>>
  >
  readonly components: { readonly schemas: Readonly<Record<string, OpenApiSchema>> }
}

const document = (name: string): Document => JSON.parse(openapiDocument(kinds, name)?.body ?? '{}') as Document

test('the committed schemas are what the generator makes', () => {
  expect(readFileSync(new URL('./generated/schemas.json', import.meta.url), 'utf8')).toBe(generateSchemas())
})

test('every row of the extensions is about a field that exists', () => {
  const exists = (key: string): boolean => {
    const [schema, field] = [key.slice(0, key.lastIndexOf('.')), key.slice(key.lastIndexOf('.') + 1)]
    const library = { meta: 'apimachinery.pkg.apis', apiextensions: 'apiextensions-apiserver.pkg.apis' }[
      schema.split('.')[0] ?? ''
    ]
    const prefix = `io.k8s.${library ?? 'api'}.`
    return SCHEMAS[`${prefix}${schema}`]?.properties?.[field] !== undefined
  }
  const keys = [...Object.keys(LIST_RULES), ...Object.keys(ENUMS), ...QUANTITIES, ...ATOMIC_MAPS, ...RETAIN_KEYS]
  expect(keys.filter((key) => !exists(key))).toEqual([])
  const schemas = new Set(Object.keys(SCHEMAS).map((name) => name.replace(/^io\.k8s\.(api|apimachinery\.pkg\.apis)\./, '')))
  expect([...ATOMIC_SCHEMAS].filter((name) => !schemas.has(name))).toEqual([])
})

test('every kind has its schema, with its own name on it', () => {
  for (const { group, version, kind, schema } of kinds)
    expect(SCHEMAS[schema]?.['x-kubernetes-group-version-kind'], schema).toEqual([{ group, kind, version }])
})

test('the index names each group-version once, with the hash of its document', () => {
  const { paths } = openapiIndex(kinds)
  expect(Object.keys(paths)).toEqual([
    'api/v1',
    'apis/apiextensions.k8s.io/v1',
    'apis/apps/v1',
    'apis/autoscaling/v1',
    'apis/autoscaling/v2',
    'apis/batch/v1',
    'apis/coordination.k8s.io/v1',
    'apis/discovery.k8s.io/v1',
    'apis/events.k8s.io/v1',
    'apis/extensions/v1beta1',
    'apis/networking.k8s.io/v1',
    'apis/networking.k8s.io/v1beta1',
    'apis/policy/v1',
    'apis/rbac.authorization.k8s.io/v1',
    'apis/resource.k8s.io/v1',
    'apis/scheduling.k8s.io/v1',
  ])
  expect(paths['api/v1']?.serverRelativeURL).toBe(`/openapi/v3/api/v1?hash=${openapiDocument(kinds, 'api/v1')?.hash}`)
  expect(openapiDocument(kinds, 'apis/none/v1')).toBeUndefined()
})

test('references of a document stay inside it', () => {
  for (const name of Object.keys(openapiIndex(kinds).paths)) {
    const { components } = document(name)
    const references = [...JSON.stringify(document(name)).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, schema]) => schema ?? '',
    )
    expect(
      references.filter((schema) => components.schemas[schema] === undefined),
      name,
    ).toEqual([])
  }
})

test('kubectl finds what it asks for: field validation and merge keys', () => {
  const { paths, components } = document('api/v1')
  const parameters = paths['/api/v1/namespaces/{namespace}/pods/{name}']?.patch?.parameters?.map(({ name }) => name)
  expect(parameters).toEqual(expect.arrayContaining(['fieldValidation', 'dryRun', 'fieldManager', 'force']))
  expect(components.schemas['io.k8s.api.core.v1.PodSpec']?.properties?.containers).toMatchObject({
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-list-map-keys': ['name'],
  })
})
