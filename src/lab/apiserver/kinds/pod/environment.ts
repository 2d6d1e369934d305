/** What is wrong with a container's environment. Source: kubernetes pkg/apis/core/validation, ValidateEnv and ValidateEnvFrom. */
import type { FieldError } from '../../kind.ts'
import * as check from '../check.ts'
import type { Container } from './types.ts'

type FieldErrors = check.FieldErrors
type EnvVar = NonNullable<Container['env']>[number]
type Source = NonNullable<EnvVar['valueFrom']>

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const
/** Fields of a pod that the downward API has, for volumes or for environments. */
const FIELDS =
  /^(metadata\.(annotations|labels|name|namespace|uid)|spec\.(nodeName|restartPolicy|serviceAccountName|schedulerName)|status\.(phase|hostIPs?|podIPs?))$/
const KEYED = /^metadata\.(?:annotations|labels)\['(.*)'\]$/
const IN_ENVIRONMENTS = [
  ...['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName'],
  ...['status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'],
]
const RESOURCES = ['limits', 'requests'].flatMap((of) => ['cpu', 'ephemeral-storage', 'memory'].map((name) => `${of}.${name}`))

export function environmentErrors(path: string, { env = [], envFrom = [] }: Container): FieldErrors {
  return [
    ...env.flatMap((variable, index) => [
      ...nameErrors(`${path}.env[${index}].name`, variable.name ?? ''),
      ...sourceErrors(`${path}.env[${index}].valueFrom`, variable),
    ]),
    ...envFrom.flatMap((source, index) => wholeErrors(`${path}.envFrom[${index}]`, source)),
  ]
}

function nameErrors(field: string, name: string): FieldErrors {
  if (name === '') return [check.required(field)]
  return envNameErrors(field, name)
}

function envNameErrors(field: string, name: string): FieldErrors {
  if (/^[ -<>-~]+$/.test(name)) return []
  const detail = "a valid environment variable name must consist only of printable ASCII characters other than '='"
  return [check.invalid(field, name, detail)]
}

function sourceErrors(field: string, { value = '', valueFrom }: EnvVar): FieldErrors {
  if (valueFrom === undefined) return []
  const { configMapKeyRef, fieldRef, resourceFieldRef, secretKeyRef } = valueFrom
  return [
    ...(fieldRef === undefined ? [] : fieldErrors(`${field}.fieldRef.fieldPath`, fieldRef.fieldPath ?? '')),
    ...(resourceFieldRef === undefined
      ? []
      : check.requiredOneOf(`${field}.resourceFieldRef.resource`, resourceFieldRef.resource, RESOURCES)),
    ...keyErrors(`${field}.configMapKeyRef`, configMapKeyRef),
    ...keyErrors(`${field}.secretKeyRef`, secretKeyRef),
    ...countErrors(field, valueFrom, value),
  ]
}

function countErrors(field: string, valueFrom: Source, value: string): FieldErrors {
  const given = SOURCES.filter((name) => valueFrom[name] !== undefined)
  const wrong = (detail: string): FieldErrors => [check.invalid(field, '', detail)]
  if (given.length === 0)
    return wrong('must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`')
  if (value !== '') return wrong('may not be specified when `value` is not empty')
  return given.length > 1 ? wrong('may not have more than one field specified at a time') : []
}

function fieldErrors(field: string, path: string): FieldErrors {
  if (path === '') return [check.required(field)]
  const key = KEYED.exec(path)?.[1]
  if (key !== undefined) return check.qualifiedName(field, key)
  if (!FIELDS.test(path)) return [check.invalid(field, path, `error converting fieldPath: field label not supported: ${path}`)]
  return check.oneOf(field, path, IN_ENVIRONMENTS)
}

function keyErrors(field: string, ref: { name?: string; key?: string } | undefined): FieldErrors {
  if (ref === undefined) return []
  const { key = '', name = '' } = ref
  return [
    ...(name === '' ? [check.required(`${field}.name`)] : []),
    ...(key === '' ? [check.required(`${field}.key`)] : check.configKey(`${field}.key`, key)),
  ]
}

function wholeErrors(field: string, source: NonNullable<Container['envFrom']>[number]): FieldErrors {
  const { prefix = '', ...refs } = source
  const given = (['configMapRef', 'secretRef'] as const).filter((name) => refs[name] !== undefined)
  const errors: FieldError[] = prefix === '' ? [] : [...envNameErrors(`${field}.prefix`, prefix)]
  for (const name of given) if (!refs[name]?.name) errors.push(check.required(`${field}.${name}.name`))
  if (given.length === 0) errors.push(check.invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
  if (given.length > 1) errors.push(check.invalid(field, '', 'may not have more than one field specified at a time'))
  return errors
}
