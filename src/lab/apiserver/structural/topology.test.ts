import { expect, test } from 'vitest'
import { compileSchema, type StructuralSchema } from './structural.ts'

const STRING: StructuralSchema = { type: 'string' }
const schema: StructuralSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['ports'],
      properties: {
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port'],
          items: { type: 'object', properties: { port: { type: 'integer', format: 'int32' } } },
        },
        names: { type: 'array', 'x-kubernetes-list-type': 'set', items: STRING },
        plain: { type: 'array', items: STRING },
        selector: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: STRING } },
        labels: { type: 'object', additionalProperties: STRING },
        target: { 'x-kubernetes-int-or-string': true },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
}
const compiled = compileSchema(schema)

test('what server-side apply needs to know', () => {
  const fields = compiled.fields('g.K')
  expect([...fields.keys()].sort()).toEqual(['g.K', 'g.K.spec', 'g.K.spec.ports[]', 'g.K.spec.selector', 'g.K.spec.template'])
  expect(fields.get('g.K')?.get('metadata')).toMatchObject({ schema: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' })
  const spec = fields.get('g.K.spec')
  expect(spec?.get('ports')).toMatchObject({
    type: 'list',
    listType: 'map',
    listMapKeys: ['port'],
    atomic: false,
    optional: false,
    item: { type: 'object', schema: 'g.K.spec.ports[]' },
  })
  expect(spec?.get('names')).toMatchObject({ listType: 'set', atomic: false, optional: true })
  expect(spec?.get('plain')).toMatchObject({ listType: 'atomic', atomic: true })
  expect(spec?.get('selector')).toMatchObject({ type: 'object', atomic: true })
  expect(spec?.get('labels')).toMatchObject({ type: 'map', item: { type: 'string' } })
  expect(spec?.get('target')).toMatchObject({ type: 'int-or-string' })
  expect(fields.get('g.K.spec.ports[]')?.get('port')).toMatchObject({ type: 'integer', bits: 32 })
  expect(fields.get('g.K.spec.template')?.has('kind')).toBe(true)
})

test('what is published has the metadata of a resource, at the root and inside', () => {
  const published = compiled.openApi()
  expect(Object.keys(published.properties ?? {})).toEqual(['apiVersion', 'kind', 'metadata', 'spec'])
  expect(published.properties?.metadata?.allOf).toEqual([
    { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
  ])
  expect(published.properties?.kind?.description).toContain('Kind is a string value')
  const spec = published.properties?.spec?.properties
  expect(spec?.ports).toEqual(schema.properties?.spec?.properties?.ports)
  expect(Object.keys(spec?.template?.properties ?? {})).toEqual(['apiVersion', 'kind', 'metadata'])
})
