/** Which names of a definition are accepted. Source: apiextensions-apiserver pkg/controller/status/naming_controller.go. */
import {
  type Condition,
  type Definition,
  type DefinitionStatus,
  isTrue,
  type Names,
  withCondition,
} from '../kinds/custom-resource-definition/types.ts'

type Verdict = Pick<Condition, 'reason' | 'message'>

interface Taken {
  readonly resources: ReadonlySet<string>
  readonly kinds: ReadonlySet<string>
}

/** What the definitions of one group have been given. */
function takenIn(group: readonly Definition[]): Taken {
  const names = group.map(({ status }) => status.acceptedNames)
  const resources = names.flatMap(({ plural = '', singular = '', shortNames = [] }) => [plural, singular, ...shortNames])
  return { resources: new Set(resources), kinds: new Set(names.flatMap(({ kind = '', listKind = '' }) => [kind, listKind])) }
}

const inUse = (asked: string, own: string, taken: ReadonlySet<string>): string | undefined =>
  asked === own || !taken.has(asked) ? undefined : `${JSON.stringify(asked)} is already in use`

/** The names that a definition has from now on, and the last thing that stands against one, if any. */
function judge(definition: Definition, taken: Taken): { readonly names: Names; readonly against: Verdict | undefined } {
  const asked = definition.spec.names ?? {}
  const own = definition.status.acceptedNames
  const names: Names = { ...own }
  let against: Verdict | undefined
  const single = (field: 'plural' | 'singular' | 'kind' | 'listKind', set: ReadonlySet<string>, reason: string): void => {
    const message = inUse(asked[field] ?? '', own[field] ?? '', set)
    if (message === undefined) names[field] = asked[field] ?? ''
    else against = { reason, message }
  }
  single('plural', taken.resources, 'PluralConflict')
  single('singular', taken.resources, 'SingularConflict')
  const clashes = (asked.shortNames ?? [])
    .filter((name) => !own.shortNames?.includes(name))
    .flatMap((name) => inUse(name, '', taken.resources) ?? [])
  if (clashes.length > 0)
    against = { reason: 'ShortNamesConflict', message: clashes.length === 1 ? (clashes[0] ?? '') : `[${clashes.join(', ')}]` }
  else names.shortNames = asked.shortNames ?? []
  single('kind', taken.kinds, 'KindConflict')
  single('listKind', taken.kinds, 'ListKindConflict')
  names.categories = asked.categories ?? []
  return { names: withoutEmpty(names), against }
}

const withoutEmpty = ({ shortNames = [], categories = [], ...names }: Names): Names => ({
  ...names,
  ...(shortNames.length === 0 ? {} : { shortNames }),
  ...(categories.length === 0 ? {} : { categories }),
})

/**
 * The status that a definition comes to beside the others of its group (itself among them). Once established it stays so, with the
 * names that it has.
 */
export function statusOf(definition: Definition, group: readonly Definition[], now: string): DefinitionStatus {
  const { names, against } = judge(definition, takenIn(group))
  const condition = (type: string, status: Condition['status'], verdict: Verdict): Condition => ({
    type,
    status,
    lastTransitionTime: now,
    ...verdict,
  })
  const accepted =
    against === undefined
      ? condition('NamesAccepted', 'True', { reason: 'NoConflicts', message: 'no conflicts found' })
      : condition('NamesAccepted', 'False', against)
  let conditions = withCondition(definition.status.conditions, accepted)
  if (against === undefined)
    conditions = withCondition(
      conditions,
      condition('Established', 'True', { reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }),
    )
  else if (!isTrue(definition, 'Established'))
    conditions = withCondition(
      conditions,
      condition('Established', 'False', { reason: 'NotAccepted', message: 'not all names are accepted' }),
    )
  return { ...definition.status, conditions: withApproval(definition, conditions, now), acceptedNames: names }
}

const APPROVAL = 'api-approved.kubernetes.io'

/** Groups of Kubernetes itself say who approved them. Source: pkg/controller/apiapproval. */
function withApproval({ metadata, spec }: Definition, conditions: Condition[], now: string): Condition[] {
  const approval = metadata.annotations?.[APPROVAL]
  if (approval === undefined || !/(^|\.)k(8s|ubernetes)\.io$/.test(spec.group ?? '')) return conditions
  const unapproved = approval.startsWith('unapproved')
  return withCondition(conditions, {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: unapproved ? 'False' : 'True',
    lastTransitionTime: now,
    reason: unapproved ? 'UnapprovedAnnotation' : 'ApprovedAnnotation',
    message: unapproved ? `not approved: ${JSON.stringify(approval)}` : `approved in ${approval}`,
  })
}
