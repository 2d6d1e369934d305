/** Roles and who has them: stored and shown, not enforced. Source: kubernetes pkg/apis/rbac. */
import type { Column, KindRecord, RawObject } from '../kind.ts'
import * as check from './check.ts'
import { ageColumn, column, defineKind, nameColumn, wide } from './define.ts'

const GROUP = 'rbac.authorization.k8s.io'

interface Rule {
  verbs?: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
  nonResourceURLs?: string[]
}

interface Subject {
  kind?: string
  apiGroup?: string
  name?: string
  namespace?: string
}

interface Binding extends RawObject {
  roleRef?: { apiGroup?: string; kind?: string; name?: string }
  subjects?: Subject[]
}

const subjectsOf = (object: RawObject): readonly Subject[] => (object as Binding).subjects ?? []

function ruleErrors(rule: Rule, field: string, namespaced: boolean): check.FieldErrors {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  const verbless = verbs.length === 0 ? [check.required(`${field}.verbs`, 'verbs must contain at least one value')] : []
  if (nonResourceURLs.length > 0) {
    const detail = namespaced
      ? 'namespaced rules cannot apply to non-resource URLs'
      : 'rules cannot apply to both regular resources and non-resource URLs'
    const both = namespaced || apiGroups.length + resources.length + resourceNames.length > 0
    return [...verbless, ...(both ? [check.invalid(`${field}.nonResourceURLs`, nonResourceURLs, detail)] : [])]
  }
  return [
    ...verbless,
    ...(apiGroups.length === 0
      ? [check.required(`${field}.apiGroups`, 'resource rules must supply at least one api group')]
      : []),
    ...(resources.length === 0 ? [check.required(`${field}.resources`, 'resource rules must supply at least one resource')] : []),
  ]
}

function bindingDefaults(object: RawObject): void {
  const binding = object as Binding
  binding.roleRef = { ...binding.roleRef, apiGroup: binding.roleRef?.apiGroup || GROUP }
  for (const subject of binding.subjects ?? [])
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= GROUP
}

function subjectErrors({ kind = '', apiGroup = '', name = '', namespace = '' }: Subject, field: string): check.FieldErrors {
  const named = name === '' ? [check.required(`${field}.name`)] : []
  if (kind === 'ServiceAccount')
    return [
      ...named,
      ...(apiGroup === '' ? [] : [check.notSupported(`${field}.apiGroup`, apiGroup, [''])]),
      ...(namespace === '' ? [check.required(`${field}.namespace`)] : []),
    ]
  if (kind === 'User' || kind === 'Group')
    return [...named, ...(apiGroup === GROUP ? [] : [check.notSupported(`${field}.apiGroup`, apiGroup, [GROUP])])]
  return [...named, check.notSupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])]
}

function bindingErrors(object: RawObject, old: RawObject | undefined, kinds: readonly string[]): check.FieldErrors {
  const { roleRef = {} } = object as Binding
  if (old !== undefined && !check.sameJson(roleRef, (old as Binding).roleRef))
    return [check.invalid('roleRef', roleRef, 'cannot change roleRef')]
  return [
    ...(roleRef.apiGroup === GROUP ? [] : [check.notSupported('roleRef.apiGroup', roleRef.apiGroup ?? '', [GROUP])]),
    ...(kinds.includes(roleRef.kind ?? '') ? [] : [check.notSupported('roleRef.kind', roleRef.kind ?? '', kinds)]),
    ...((roleRef.name ?? '') === '' ? [check.required('roleRef.name')] : []),
    ...subjectsOf(object).flatMap((subject, index) => subjectErrors(subject, `subjects[${index}]`)),
  ]
}

const subjects = (name: string, kind: string): Column =>
  wide(name, 'string', `${name} in the roleBinding`, (object) =>
    subjectsOf(object)
      .filter((subject) => subject.kind === kind)
      .map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace}/${subject.name}` : (subject.name ?? '')))
      .join(', '),
  )

const createdColumn = column(
  'Created At',
  'date',
  'apimachinery.pkg.apis.meta.v1.ObjectMeta.creationTimestamp',
  (object) => object.metadata.creationTimestamp ?? '',
)

function role(kind: string, plural: string, namespaced: boolean): KindRecord {
  return defineKind({
    group: GROUP,
    version: 'v1',
    kind,
    plural,
    namespaced,
    schema: `io.k8s.api.rbac.v1.${kind}`,
    nameRule: 'path-segment',
    defaults(object) {
      object.rules ??= null
    },
    validate: (object) =>
      ((object.rules ?? []) as Rule[]).flatMap((rule, index) => ruleErrors(rule, `rules[${index}]`, namespaced)),
    columns: [nameColumn, createdColumn],
  })
}

function binding(kind: string, plural: string, namespaced: boolean): KindRecord {
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  return defineKind({
    group: GROUP,
    version: 'v1',
    kind,
    plural,
    namespaced,
    schema: `io.k8s.api.rbac.v1.${kind}`,
    nameRule: 'path-segment',
    defaults: bindingDefaults,
    validate: (object, old) => bindingErrors(object, old, kinds),
    columns: [
      nameColumn,
      column('Role', 'string', 'Name of the referenced role', (object) => {
        const { kind: of, name } = (object as Binding).roleRef ?? {}
        return `${of}/${name}`
      }),
      ageColumn,
      ...[subjects('Users', 'User'), subjects('Groups', 'Group'), subjects('ServiceAccounts', 'ServiceAccount')],
    ],
  })
}

export const RBAC: readonly KindRecord[] = [
  role('Role', 'roles', true),
  binding('RoleBinding', 'rolebindings', true),
  role('ClusterRole', 'clusterroles', false),
  binding('ClusterRoleBinding', 'clusterrolebindings', false),
]
