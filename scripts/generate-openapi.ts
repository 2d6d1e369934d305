/**
 * Writes src/lab/apiserver/openapi/generated/schemas.json from the declarations of @kubernetes/client-node: every schema that the
 * served kinds reach, in the form that a Kubernetes API server publishes under `components.schemas`.
 *
 * Run it after an upgrade of client-node or a change of openapi/extensions.ts: `node scripts/generate-openapi.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ATOMIC_MAPS,
  ATOMIC_SCHEMAS,
  DEFAULTS,
  ENUMS,
  LIST_RULES,
  QUANTITIES,
  RETAIN_KEYS,
} from '../src/lab/apiserver/openapi/extensions.ts'

type Json = Record<string, unknown>

const MODELS = join(dirname(fileURLToPath(import.meta.resolve('@kubernetes/client-node'))), 'gen/models')
const TARGET = new URL('../src/lab/apiserver/openapi/generated/schemas.json', import.meta.url)
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** Top-level kinds by group-version: model class, and the API group's name for `x-kubernetes-group-version-kind`. */
const ROOTS: readonly {
  readonly schema: string
  readonly group: string
  readonly version: string
  readonly models: readonly string[]
}[] = [
  { schema: META, group: '', version: 'v1', models: ['V1DeleteOptions', 'V1Status'] },
  {
    schema: 'io.k8s.api.core.v1',
    group: '',
    version: 'v1',
    models: [
      ...[
        'V1Namespace',
        'V1Node',
        'V1Pod',
        'V1Service',
        'V1Endpoints',
        'V1ConfigMap',
        'V1Secret',
        'CoreV1Event',
        'V1ServiceAccount',
      ],
      ...['V1PersistentVolumeClaim', 'V1PersistentVolume', 'V1ReplicationController', 'V1Binding'],
    ],
  },
  { schema: 'io.k8s.api.events.v1', group: 'events.k8s.io', version: 'v1', models: ['EventsV1Event'] },
  { schema: 'io.k8s.api.policy.v1', group: 'policy', version: 'v1', models: ['V1Eviction', 'V1PodDisruptionBudget'] },
  { schema: 'io.k8s.api.discovery.v1', group: 'discovery.k8s.io', version: 'v1', models: ['V1EndpointSlice'] },
  { schema: 'io.k8s.api.coordination.v1', group: 'coordination.k8s.io', version: 'v1', models: ['V1Lease'] },
  { schema: 'io.k8s.api.autoscaling.v1', group: 'autoscaling', version: 'v1', models: ['V1Scale', 'V1HorizontalPodAutoscaler'] },
  { schema: 'io.k8s.api.autoscaling.v2', group: 'autoscaling', version: 'v2', models: ['V2HorizontalPodAutoscaler'] },
  {
    schema: 'io.k8s.api.apps.v1',
    group: 'apps',
    version: 'v1',
    models: ['V1ControllerRevision', 'V1DaemonSet', 'V1Deployment', 'V1ReplicaSet', 'V1StatefulSet'],
  },
  { schema: 'io.k8s.api.batch.v1', group: 'batch', version: 'v1', models: ['V1Job', 'V1CronJob'] },
  {
    schema: 'io.k8s.api.networking.v1',
    group: 'networking.k8s.io',
    version: 'v1',
    models: ['V1Ingress', 'V1IngressClass', 'V1NetworkPolicy', 'V1ServiceCIDR', 'V1IPAddress'],
  },
  {
    schema: 'io.k8s.api.rbac.v1',
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    models: ['V1Role', 'V1RoleBinding', 'V1ClusterRole', 'V1ClusterRoleBinding'],
  },
  { schema: 'io.k8s.api.resource.v1', group: 'resource.k8s.io', version: 'v1', models: ['V1ResourceSlice'] },
  { schema: 'io.k8s.api.scheduling.v1', group: 'scheduling.k8s.io', version: 'v1', models: ['V1PriorityClass'] },
  {
    schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
    group: 'apiextensions.k8s.io',
    version: 'v1',
    models: ['V1CustomResourceDefinition'],
  },
  {
    schema: 'io.k8s.api.authentication.v1',
    group: 'authentication.k8s.io',
    version: 'v1',
    models: ['AuthenticationV1TokenRequest', 'V1SelfSubjectReview'],
  },
  {
    schema: 'io.k8s.api.authorization.v1',
    group: 'authorization.k8s.io',
    version: 'v1',
    models: ['V1SelfSubjectAccessReview', 'V1SelfSubjectRulesReview'],
  },
]

/**
 * Versions of Ingress that later servers no longer have, and so no model: the same as v1 but for the backends.
 * Source: k8s.io/api networking/v1beta1 and extensions/v1beta1 types.go.
 */
const OLDER_INGRESS: readonly { readonly schema: string; readonly group: string; readonly version: string }[] = [
  { schema: 'io.k8s.api.extensions.v1beta1', group: 'extensions', version: 'v1beta1' },
  { schema: 'io.k8s.api.networking.v1beta1', group: 'networking.k8s.io', version: 'v1beta1' },
]
const INGRESS = 'io.k8s.api.networking.v1'
const OLDER_BACKEND: Readonly<Record<string, Json>> = {
  serviceName: { description: 'serviceName specifies the name of the referenced service.', type: 'string' },
  servicePort: {
    allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString' }],
    description: 'servicePort Specifies the port of the referenced service.',
  },
}

/** Models of apimachinery, whichever group refers to them. */
const OF_META =
  /^V1(ObjectMeta|ListMeta|OwnerReference|ManagedFieldsEntry|LabelSelector|LabelSelectorRequirement|Preconditions|Condition|Status.*)$/

/** Types that have no model of their own; the words are those of the API server's documents. */
const SCALARS: Readonly<Record<string, Json>> = {
  [`${META}.Time`]: {
    description: 'Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.',
    format: 'date-time',
    type: 'string',
  },
  [`${META}.MicroTime`]: {
    description: 'MicroTime is version of Time with microsecond level precision.',
    format: 'date-time',
    type: 'string',
  },
  [`${META}.FieldsV1`]: {
    description: 'FieldsV1 stores a set of fields in a data structure like a Trie, in JSON format.',
    type: 'object',
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    description: 'IntOrString is a type that can hold an int32 or a string.',
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    description: 'Quantity is a fixed-point representation of a number.',
    oneOf: [{ type: 'string' }, { type: 'number' }],
  },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { description: 'RawExtension holds any object.', type: 'object' },
}

interface Field {
  readonly name: string
  readonly baseName: string
  readonly type: string
  readonly format: string
}

const clean = (comment: string): string =>
  comment
    .replaceAll(/^\s*\*\s?/gm, '')
    .replaceAll(/\\(['"])/g, '$1')
    .trim()

const ref = (schema: string): Json => ({ $ref: `#/components/schemas/${schema}` })
const shortName = (schema: string): string =>
  schema.replace(/^io\.k8s\.(api|(apimachinery|apiextensions-apiserver)\.pkg\.apis)\./, '')

class Generator {
  readonly schemas = new Map<string, Json>()
  private readonly schemaOf = new Map<string, string>()

  addRoot(model: string, root: (typeof ROOTS)[number]): void {
    for (const name of [model, `${model}List`]) {
      if (name === `${model}List` && !this.exists(name)) continue
      const schema = this.nameOf(name, root.schema)
      const entry = this.schemas.get(schema)
      const kind = schema.slice(schema.lastIndexOf('.') + 1)
      if (entry !== undefined) entry['x-kubernetes-group-version-kind'] = [{ group: root.group, kind, version: root.version }]
    }
  }

  private exists(model: string): boolean {
    try {
      return readFileSync(join(MODELS, `${model}.d.ts`)).length > 0
    } catch {
      return false
    }
  }

  /** The schema of a model, generated when it is met first: that also settles the group of shared types (core comes first). */
  private nameOf(model: string, parent: string): string {
    const known = this.schemaOf.get(model)
    if (known !== undefined) return known
    const family = OF_META.test(model) ? META : parent
    const schema = `${family}.${model.replace(/^(?:[A-Z][a-z]+)?V\d+(?:(?:alpha|beta)\d+)?/, '')}`
    this.schemaOf.set(model, schema)
    this.schemas.set(schema, this.generate(model, schema, family))
    return schema
  }

  private generate(model: string, schema: string, family: string): Json {
    const declarations = readFileSync(join(MODELS, `${model}.d.ts`), 'utf8')
    const fields = JSON.parse(
      /attributeTypeMap = (\[[\s\S]*?\n\]);/.exec(readFileSync(join(MODELS, `${model}.js`), 'utf8'))?.[1] ?? '[]',
    ) as Field[]
    const short = shortName(schema)
    const docs = new Map<string, string>()
    const required: string[] = []
    for (const [, comment = '', name = '', optional] of declarations.matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+'([^']+)'(\?)?:/g,
    )) {
      docs.set(name, clean(comment))
      if (optional === undefined) required.push(fields.find((field) => field.name === name)?.baseName ?? name)
    }
    const properties = fields.map((field) => [field.baseName, this.property(field, short, family, docs.get(field.name))] as const)
    const about = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+export declare class/.exec(declarations)?.[1]
    return {
      ...(about === undefined ? {} : { description: clean(about) }),
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(required.length === 0 ? {} : { required: required.toSorted() }),
      type: 'object',
      ...(ATOMIC_SCHEMAS.has(short) ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    }
  }

  private property(field: Field, owner: string, family: string, doc: string | undefined): Json {
    const key = `${owner}.${field.baseName}`
    const shape = this.shape(field, key, family)
    const described = { ...(doc === undefined ? {} : { description: doc }) }
    const values = ENUMS[key]
    const initial = DEFAULTS[key]
    if ('$ref' in shape)
      return { allOf: [shape], ...described, ...(RETAIN_KEYS.has(key) ? { 'x-kubernetes-patch-strategy': 'retainKeys' } : {}) }
    return {
      ...described,
      ...shape,
      ...(initial === undefined ? {} : { default: initial }),
      ...(values === undefined ? {} : { enum: values }),
      ...this.merging(key, shape),
    }
  }

  private merging(key: string, shape: Json): Json {
    if (ATOMIC_MAPS.has(key)) return { 'x-kubernetes-map-type': 'atomic' }
    if (shape.type !== 'array') return {}
    const rule = LIST_RULES[key]
    const type = rule?.keys === undefined ? 'atomic' : rule.keys.length === 0 ? 'set' : 'map'
    return {
      ...(type === 'map' ? { 'x-kubernetes-list-map-keys': rule?.keys } : {}),
      'x-kubernetes-list-type': type,
      ...(rule?.merge ? { 'x-kubernetes-patch-merge-key': rule.merge } : {}),
      ...(rule?.merge === undefined ? {} : { 'x-kubernetes-patch-strategy': rule.retainKeys ? 'merge,retainKeys' : 'merge' }),
    }
  }

  private shape(field: Field, key: string, family: string): Json {
    const list = /^(?:Array|Set)<(.*)>$/.exec(field.type)?.[1]
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(field.type)?.[1]
    const inner = (type: string): Json => {
      const shape = this.shape({ ...field, type }, key, family)
      return '$ref' in shape ? { allOf: [shape], default: {} } : shape
    }
    if (list !== undefined) return { items: inner(list), type: 'array' }
    if (map !== undefined) return { additionalProperties: inner(map), type: 'object' }
    return this.scalar(field, key) ?? ref(this.nameOf(field.type, family))
  }

  private scalar(field: Field, key: string): Json | undefined {
    if (QUANTITIES.has(key)) return this.builtIn('io.k8s.apimachinery.pkg.api.resource.Quantity')
    const format = field.format === '' ? {} : { format: field.format }
    switch (field.type) {
      case 'string':
        return { type: 'string', ...format }
      case 'boolean':
        return { type: 'boolean' }
      case 'number':
        return { type: field.format === 'double' ? 'number' : 'integer', ...format }
      case 'any':
        return this.builtIn(field.baseName === 'fieldsV1' ? `${META}.FieldsV1` : 'io.k8s.apimachinery.pkg.runtime.RawExtension')
      case 'Date':
        return this.builtIn(`${META}.Time`)
      case 'V1MicroTime':
        return this.builtIn(`${META}.MicroTime`)
      case 'IntOrString':
        return this.builtIn('io.k8s.apimachinery.pkg.util.intstr.IntOrString')
      default:
        return undefined
    }
  }

  /** The schemas that Ingress of v1 reaches in its own group, under another name and with the backends of old. */
  addOlderIngress({ schema, group, version }: (typeof OLDER_INGRESS)[number]): void {
    const own = [...this.schemas].filter(
      ([name]) => name.startsWith(`${INGRESS}.Ingress`) || name === `${INGRESS}.HTTPIngressPath`,
    )
    own.push(...[...this.schemas].filter(([name]) => name === `${INGRESS}.HTTPIngressRuleValue`))
    const names = own.map(([name]) => name).filter((name) => !name.includes('IngressClass') && !name.endsWith('ServiceBackend'))
    for (const name of names) {
      const text = names.reduce(
        (json, from) => json.replaceAll(`/${from}"`, `/${from.replace(INGRESS, schema)}"`),
        JSON.stringify(this.schemas.get(name)),
      )
      const copy = JSON.parse(text) as Json & { properties: Record<string, Json> }
      if ('x-kubernetes-group-version-kind' in copy)
        copy['x-kubernetes-group-version-kind'] = [{ group, kind: name.slice(INGRESS.length + 1), version }]
      this.schemas.set(name.replace(INGRESS, schema), olderIngress(name.slice(INGRESS.length + 1), copy))
    }
  }

  private builtIn(schema: string): Json {
    this.schemas.set(schema, SCALARS[schema] ?? {})
    return ref(schema)
  }
}

function olderIngress(kind: string, schema: Json & { properties: Record<string, Json> }): Json {
  const { properties, required, ...rest } = schema
  if (kind === 'IngressBackend') {
    const { service, ...others } = properties
    return { ...rest, properties: { ...OLDER_BACKEND, ...others } }
  }
  if (kind === 'IngressSpec') {
    const { defaultBackend, ...others } = properties
    return { ...rest, properties: { backend: defaultBackend, ...others } }
  }
  const kept = kind === 'HTTPIngressPath' ? ['backend'] : required
  return { ...rest, properties, ...(kept === undefined ? {} : { required: kept }) }
}

/** Fields that hold an object lost their own words in the package; they get those of the object. */
function describeReferences(schemas: ReadonlyMap<string, Json>): void {
  for (const schema of schemas.values())
    for (const property of Object.values((schema.properties ?? {}) as Record<string, Json>)) {
      const [reference] = (property.allOf ?? []) as readonly { readonly $ref: string }[]
      const described = schemas.get(reference?.$ref.replace('#/components/schemas/', '') ?? '')?.description
      if (property.description === undefined && described !== undefined) property.description = described
    }
}

/** The whole file as text: one schema a line, sorted by name, so that changes read well. */
export function generateSchemas(): string {
  const generator = new Generator()
  for (const root of ROOTS) for (const model of root.models) generator.addRoot(model, root)
  for (const older of OLDER_INGRESS) generator.addOlderIngress(older)
  describeReferences(generator.schemas)
  const lines = [...generator.schemas]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `${JSON.stringify(name)}:${JSON.stringify(schema)}`)
  return `{\n${lines.join(',\n')}\n}\n`
}

if (import.meta.main) writeFileSync(TARGET, generateSchemas())
