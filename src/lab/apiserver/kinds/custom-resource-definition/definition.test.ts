/** What is wrong with a definition, in the words of apiextensions. */
import { describe, expect, test } from 'vitest'
import { joinFieldErrors } from '../../field-error.ts'
import type { RawObject } from '../../kind.ts'
import { customResourceDefinition as record } from './definition.ts'
import type { Definition, DefinitionVersion } from './types.ts'

const VERSION: DefinitionVersion = {
  name: 'v1',
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { a: { type: 'array', items: { type: 'string' } }, b: { type: 'string' } } },
      },
    },
  },
}

function made(spec: object, metadata: object = {}): Definition {
  const object: RawObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'as.example.com', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    spec: { group: 'example.com', scope: 'Cluster', names: { plural: 'as', kind: 'A' }, versions: [VERSION], ...spec },
  }
  record.defaults(object)
  record.prepare?.(object, undefined)
  return object as Definition
}
const version = (parts: object): object => ({ versions: [{ ...VERSION, ...parts }] })
const column = (parts: object): object =>
  version({ additionalPrinterColumns: [{ name: 'X', type: 'string', jsonPath: '.spec.b', ...parts }] })
const scale = (parts: object): object =>
  version({ subresources: { scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n', ...parts } } })
const wrong = (object: Definition, old?: Definition): string => {
  const errors = record.validate(object, old, '')
  return errors.length === 0 ? '' : joinFieldErrors(errors)
}

test('defaults, and the status that a new one has', () => {
  const { spec, status } = made({})
  expect([spec.names, spec.conversion]).toEqual([
    { plural: 'as', kind: 'A', singular: 'a', listKind: 'AList' },
    { strategy: 'None' },
  ])
  expect(status).toEqual({ conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'] })
  expect(wrong(made({}))).toBe('')
})

const LABEL = "a DNS-1035 label must consist of lower case alphanumeric characters or '-'"

describe('what is wrong', () => {
  test.each<[object, string]>([
    [{ group: 'example' }, 'spec.group: Invalid value: "example": should be a domain with at least one dot'],
    [{ group: '' }, 'spec.group: Required value'],
    [{ scope: 'Any' }, 'spec.scope: Unsupported value: "Any": supported values: "Cluster", "Namespaced"'],
    [
      { names: { plural: 'as', kind: 'A_' } },
      `spec.names.kind: Invalid value: "A_": may have mixed case, but should otherwise match: ${LABEL}`,
    ],
    [
      { names: { plural: 'as', kind: 'A', listKind: 'A' } },
      'spec.names.listKind: Invalid value: "A": kind and listKind may not be the same',
    ],
    [{ names: { plural: 'as', kind: 'A', shortNames: ['A'] } }, `spec.names.shortNames[0]: Invalid value: "A": ${LABEL}`],
    [{ names: { plural: 'as', kind: 'A', categories: ['1'] } }, `spec.names.categories[0]: Invalid value: "1": ${LABEL}`],
    [
      { names: { plural: 'bs', kind: 'A' } },
      'metadata.name: Invalid value: "as.example.com": must be spec.names.plural+"."+spec.group',
    ],
    [version({ storage: false }), 'must have exactly one version marked as storage version'],
    [{ versions: [VERSION, { ...VERSION, storage: false }] }, 'must contain unique version names'],
    [version({ name: 'V1' }), `spec.versions[0].name: Invalid value: "V1": ${LABEL}`],
    [version({ schema: undefined }), 'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required'],
    [
      version({ schema: { openAPIV3Schema: { type: 'object', properties: { a: {} } } } }),
      'spec.validation.openAPIV3Schema.properties[a].type: Required value',
    ],
    [version({ deprecationWarning: 'soon' }), 'can only be set for deprecated versions'],
    [column({ name: '' }), 'spec.additionalPrinterColumns[0].name: Required value'],
    [
      column({ type: 'text' }),
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    ],
    [
      column({ format: 'odd' }),
      'spec.additionalPrinterColumns[0].format: Invalid value: "odd": must be one of byte,date,date-time,double,float,int32,int64,password',
    ],
    [column({ jsonPath: '' }), 'spec.additionalPrinterColumns[0].JSONPath: Required value'],
    [column({ jsonPath: 'spec.b' }), 'must be a simple json path starting with .'],
    [
      scale({ specReplicasPath: '.status.n' }),
      'spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec',
    ],
    [scale({ statusReplicasPath: '' }), 'spec.subresources.scale.statusReplicasPath: Invalid value: "": must not be empty'],
    [scale({ labelSelectorPath: '.metadata.x' }), 'should be a json path under either .spec or .status'],
    [
      version({ selectableFields: [{ jsonPath: '.spec.c' }] }),
      'spec.selectableFields[0].jsonPath: Invalid value: ".spec.c": is an invalid path',
    ],
    [version({ selectableFields: [{ jsonPath: '.spec.a' }] }), 'must point to a field of type string, boolean or integer'],
    [version({ selectableFields: [{ jsonPath: '.metadata.name' }] }), 'must not point to fields in metadata'],
    [
      version({ selectableFields: [{ jsonPath: '.spec.b' }, { jsonPath: '.spec.b' }] }),
      'spec.selectableFields[1].jsonPath: Duplicate value: ".spec.b"',
    ],
    [{ preserveUnknownFields: true }, 'spec.preserveUnknownFields: Invalid value: true: cannot set to true'],
    [
      { conversion: { strategy: 'Magic' } },
      'spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"',
    ],
    [{ conversion: { strategy: 'Webhook' } }, 'the lab converts by strategy None only'],
  ])('%j', (spec, words) => expect(wrong(made(spec))).toContain(words))

  test('parts that differ between versions are named by version', () => {
    const other = {
      ...VERSION,
      name: 'v2',
      storage: false,
      schema: { openAPIV3Schema: { type: 'object', properties: { a: {} } } },
    }
    expect(wrong(made({ versions: [VERSION, other] }))).toContain(
      'spec.versions[1].schema.openAPIV3Schema.properties[a].type: Required value',
    )
  })

  test('groups of Kubernetes need an approval', () => {
    const protectedGroup = (annotations: object): Definition => made({ group: 'x.k8s.io' }, { name: 'as.x.k8s.io', annotations })
    expect(wrong(protectedGroup({}))).toContain('protected groups must have approval annotation "api-approved.kubernetes.io"')
    expect(wrong(protectedGroup({ 'api-approved.kubernetes.io': 'yes' }))).toContain(
      'with either a URL or a reason starting with',
    )
    expect(wrong(protectedGroup({ 'api-approved.kubernetes.io': 'https://example.com/1' }))).toBe('')
    expect(wrong(protectedGroup({ 'api-approved.kubernetes.io': 'unapproved, a test' }))).toBe('')
  })

  test('what objects were stored by cannot change', () => {
    const old = made({})
    const time = { lastTransitionTime: '', reason: '', message: '' }
    old.status.conditions = [{ type: 'Established', status: 'True', ...time }]
    expect(wrong(made({ scope: 'Namespaced' }), old)).toBe('spec.scope: Invalid value: "Namespaced": field is immutable')
    expect(wrong(made({ names: { plural: 'as', kind: 'B' } }), old)).toBe(
      'spec.names.kind: Invalid value: "B": field is immutable',
    )
  })
})
