/** Writes docs/reference/resources.md from the definitions of deploy/crds: `make generate`. A test holds the page to what this would write. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const CRDS = fileURLToPath(new URL('../deploy/crds', import.meta.url))

interface Schema {
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[]
}

interface Version {
  readonly name: string
  readonly storage: boolean
  readonly deprecated?: boolean
  readonly schema: { readonly openAPIV3Schema: Schema }
}

interface Definition {
  readonly spec: {
    readonly group: string
    readonly scope: string
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] }
    readonly versions: readonly Version[]
  }
}

/** The page of every resource that ships, by kind. */
export function resourcesPage(): string {
  const files = readdirSync(CRDS).filter((name) => name.endsWith('.yaml'))
  const definitions = files.map((name) => parse(readFileSync(`${CRDS}/${name}`, 'utf8')) as Definition)
  const sections = definitions.toSorted((a, b) => a.spec.names.kind.localeCompare(b.spec.names.kind)).flatMap(resourceSection)
  return [
    '# Resources',
    '',
    'What Fairway adds to the API, field by field. `kubectl explain KIND.spec` says the same.',
    'This page is written by `make generate` from `deploy/crds`.',
    '',
    ...sections,
  ].join('\n')
}

function resourceSection({ spec: { group, scope, names, versions } }: Definition): readonly string[] {
  const stored = versions.find((version) => version.storage)
  const root = stored?.schema.openAPIV3Schema ?? {}
  const older = versions.filter((version) => version.deprecated).map((version) => `\`${version.name}\``)
  const short = (names.shortNames ?? []).map((name) => `\`${name}\``)
  const rules = [...new Set(sentencesOf(root))]
  return [
    `## ${names.kind}`,
    '',
    root.description ?? '',
    '',
    `\`${group}/${stored?.name}\`, ${scope === 'Cluster' ? 'of the whole cluster' : 'in a namespace'}; \`kubectl get ${names.plural}\`${short.length > 0 ? `, short ${short.join(', ')}` : ''}.${older.length > 0 ? ` Also served, but no longer to be written: ${older.join(', ')}.` : ''}`,
    '',
    '| field | type | meaning |',
    '|---|---|---|',
    ...['spec', 'status'].flatMap((part) => rowsOf(root.properties?.[part] ?? {}, part)),
    '',
    ...(rules.length === 0 ? [] : ['Refused with one of these sentences:', '', ...rules.map((rule) => `- ${rule}`), '']),
  ]
}

/** A row for each field beneath; a selector and the conditions are known from Kubernetes and stay one row each. */
function rowsOf(schema: Schema, path: string): readonly string[] {
  const inner = schema.items ?? schema
  return Object.entries(inner.properties ?? {}).flatMap(([name, field]) => {
    const needed = inner.required?.includes(name) === true
    const at = `${path}.${name}`
    const row = `| \`${at}\` | ${typeOf(field)} | ${meaningOf(field, needed)} |`
    return isKnown(field, name) ? [row] : [row, ...rowsOf(field, `${at}${field.items === undefined ? '' : '[]'}`)]
  })
}

function isKnown(field: Schema, name: string): boolean {
  return name === 'conditions' || isSelector(field) || (field.items !== undefined && isSelector(field.items))
}

function isSelector({ properties = {} }: Schema): boolean {
  return 'matchLabels' in properties && 'matchExpressions' in properties
}

function typeOf(field: Schema): string {
  if (field.items !== undefined) return `list of ${typeOf(field.items)}`
  if (isSelector(field)) return 'label selector'
  if (field.format === 'date-time') return 'time'
  return { integer: 'number', string: 'text', boolean: 'true or false', object: 'object' }[field.type ?? ''] ?? ''
}

function meaningOf(field: Schema, needed: boolean): string {
  const { minimum, maximum, maxLength, maxItems } = field
  const values = field.enum ?? field.items?.enum
  const notes = [
    ...(needed ? ['needed'] : []),
    ...(values === undefined ? [] : [`one of ${values.map((value) => `\`${value}\``).join(', ')}`]),
    ...(minimum === undefined ? [] : [maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(maxItems === undefined ? [] : [`at most ${maxItems}`]),
    ...(field.default === undefined ? [] : [`default \`${JSON.stringify(field.default)}\``]),
  ]
  const text = (field.description ?? '').replaceAll('|', '\\|')
  return notes.length === 0 ? text : `${text} (${notes.join('; ')})`
}

function sentencesOf(schema: Schema): readonly string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message)
  const inner = [...Object.values(schema.properties ?? {}), ...(schema.items === undefined ? [] : [schema.items])]
  return [...own, ...inner.flatMap(sentencesOf)]
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/resources.md', import.meta.url), resourcesPage())
