/**
 * Whether a CustomResourceDefinition is valid. Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go.
 *
 * What all versions have in common is named as Kubernetes' internal form has it, at the top of the spec: `spec.validation`.
 */
import type { FieldError, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { type Conversion, type Definition, type DefinitionSpec, isTrue, type Names } from './types.ts'
import { versionErrors } from './validate-version.ts'

const PROTECTED = /(^|\.)k(8s|ubernetes)\.io$/
const APPROVAL = 'api-approved.kubernetes.io'
const APPROVAL_FIELD = `metadata.annotations[${APPROVAL}]`
const ABOUT_APPROVAL = 'see https://github.com/kubernetes/enhancements/pull/1111'

/** Several sentences about one field, as one. */
const joined = (errors: readonly FieldError[]): string => errors.map(({ detail }) => detail).join(',')

export function validateDefinition(object: RawObject, old: RawObject | undefined, subresource: string): check.FieldErrors {
  const definition = object as Definition
  if (subresource === 'status') return namesErrors('status.acceptedNames', definition.status.acceptedNames)
  return [
    ...(old === undefined ? nameErrors(definition) : []),
    ...specErrors(definition.spec),
    ...(old === undefined ? [] : fixedErrors(definition.spec, old as Definition)),
    ...namesErrors('status.acceptedNames', definition.status.acceptedNames),
    ...storedErrors(definition),
    ...approvalErrors(definition, old),
  ]
}

function nameErrors({ metadata, spec }: Definition): check.FieldErrors {
  const { name = '' } = metadata
  if (name === '' || name === `${spec.names?.plural ?? ''}.${spec.group ?? ''}`) return []
  return [check.invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group')]
}

function groupErrors(group: string): check.FieldErrors {
  if (group === '') return [check.required('spec.group')]
  const errors = check.dnsSubdomain('spec.group', group)
  if (errors.length > 0) return [check.invalid('spec.group', group, joined(errors))]
  return group.includes('.') ? [] : [check.invalid('spec.group', group, 'should be a domain with at least one dot')]
}

function specErrors(spec: DefinitionSpec): check.FieldErrors {
  const { group = '', names = {}, versions = [] } = spec
  const missing = versions.flatMap(({ schema }, index) =>
    schema?.openAPIV3Schema === undefined
      ? [check.required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required')]
      : [],
  )
  return [
    ...groupErrors(group),
    ...check.requiredOneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']),
    ...(spec.preserveUnknownFields === true
      ? [
          check.invalid(
            'spec.preserveUnknownFields',
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : []),
    ...missing,
    ...versionErrors(versions),
    ...countErrors(spec),
    ...(['plural', 'singular', 'kind', 'listKind'] as const).flatMap((field) =>
      check.unset(names[field]) ? [check.required(`spec.names.${field}`)] : [],
    ),
    ...namesErrors('spec.names', names),
    ...conversionErrors(spec.conversion),
  ]
}

function countErrors({ versions = [] }: DefinitionSpec): check.FieldErrors {
  const field = 'spec.versions'
  const unique = new Set(versions.map(({ name }) => name)).size === versions.length
  const stored = versions.filter(({ storage }) => storage === true).length
  return [
    ...(unique ? [] : [check.invalid(field, versions, 'must contain unique version names')]),
    ...(stored === 1 ? [] : [check.invalid(field, versions, 'must have exactly one version marked as storage version')]),
  ]
}

function namesErrors(field: string, names: Names): check.FieldErrors {
  const { kind = '', listKind = '' } = names
  const label = (at: string, name = ''): check.FieldErrors => {
    const errors = name === '' ? [] : check.dns1035Label(at, name)
    return errors.length === 0 ? [] : [check.invalid(at, name, joined(errors))]
  }
  const mixed = (at: string, name: string): check.FieldErrors =>
    label(at, name.toLowerCase()).map(({ detail }) =>
      check.invalid(at, name, `may have mixed case, but should otherwise match: ${detail}`),
    )
  return [
    ...label(`${field}.plural`, names.plural),
    ...label(`${field}.singular`, names.singular),
    ...mixed(`${field}.kind`, kind),
    ...mixed(`${field}.listKind`, listKind),
    ...(names.shortNames ?? []).flatMap((name, index) => label(`${field}.shortNames[${index}]`, name)),
    ...(kind !== '' && kind === listKind
      ? [check.invalid(`${field}.listKind`, listKind, 'kind and listKind may not be the same')]
      : []),
    ...(names.categories ?? []).flatMap((name, index) => label(`${field}.categories[${index}]`, name)),
  ]
}

/** The lab calls no webhooks; it says so where a real server would call one. */
function conversionErrors(conversion: Conversion = {}): check.FieldErrors {
  const field = 'spec.conversion'
  if (conversion.strategy === 'Webhook')
    return [check.forbidden(`${field}.strategy`, 'the lab converts by strategy None only: it calls no webhooks')]
  return [
    ...check.requiredOneOf(`${field}.strategy`, conversion.strategy, ['None', 'Webhook']),
    ...(conversion.webhook?.clientConfig === undefined
      ? []
      : [check.forbidden(`${field}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')]),
  ]
}

function fixedErrors(spec: DefinitionSpec, old: Definition): check.FieldErrors {
  const established = isTrue(old, 'Established')
  return [
    ...(established
      ? [
          ...check.unchanged('spec.scope', spec.scope, old.spec.scope),
          ...check.unchanged('spec.names.kind', spec.names?.kind, old.spec.names?.kind),
        ]
      : []),
    ...check.unchanged('spec.group', spec.group, old.spec.group),
    ...check.unchanged('spec.names.plural', spec.names?.plural, old.spec.names?.plural),
  ]
}

function storedErrors({ spec, status }: Definition): check.FieldErrors {
  const field = 'status.storedVersions'
  const { storedVersions } = status
  if (storedVersions.length === 0) return [check.invalid(field, storedVersions, 'must have at least one stored version')]
  return storedVersions.flatMap((version, index) => {
    if ((spec.versions ?? []).some(({ name }) => name === version)) return []
    const detail = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`
    return [check.invalid(`${field}[${index}]`, version, detail)]
  })
}

/** Groups of Kubernetes itself need the approval of its reviewers. */
function approvalErrors({ spec, metadata }: Definition, old: RawObject | undefined): check.FieldErrors {
  const approval = metadata.annotations?.[APPROVAL]
  if (!PROTECTED.test(spec.group ?? '') || (old !== undefined && approval === old.metadata.annotations?.[APPROVAL])) return []
  if (approval === undefined || approval === '')
    return [check.required(APPROVAL_FIELD, `protected groups must have approval annotation "${APPROVAL}", ${ABOUT_APPROVAL}`)]
  if (approval.startsWith('unapproved') || URL.canParse(approval)) return []
  const detail = `protected groups must have approval annotation "${APPROVAL}" with either a URL or a reason starting with "unapproved", ${ABOUT_APPROVAL}`
  return [check.invalid(APPROVAL_FIELD, approval, detail)]
}
