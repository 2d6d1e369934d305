import type { RawObject } from '../kind.ts'
import { configKey, type FieldErrors, required, unchanged } from './check.ts'
import { immutableErrors } from './config-map.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

export interface Secret extends RawObject {
  data?: Record<string, string>
  stringData?: Record<string, string>
  type?: string
}

/** A Secret that is given a token of the ServiceAccount that its annotation names. */
export const TOKEN_TYPE = 'kubernetes.io/service-account-token'
export const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
export const ACCOUNT_UID = 'kubernetes.io/service-account.uid'

/** Keys that a type must have. Source: kubernetes pkg/apis/core/validation, ValidateSecret. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
}

/** stringData is written, never read: it becomes data. */
function defaults(object: RawObject): void {
  const secret = object as Secret
  secret.type ||= 'Opaque'
  const encoded = Object.entries(secret.stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  if (encoded.length > 0) secret.data = { ...secret.data, ...Object.fromEntries(encoded) }
  delete secret.stringData
}

function validate(object: RawObject, old: RawObject | undefined): FieldErrors {
  const { data = {}, type = '' } = object as Secret
  return [
    ...(old === undefined ? [] : unchanged('type', type, old.type)),
    ...Object.keys(data).flatMap((key) => configKey(`data[${key}]`, key)),
    ...(REQUIRED_KEYS[type] ?? []).filter((key) => !(key in data)).map((key) => required(`data[${key}]`)),
    ...(type === TOKEN_TYPE && !object.metadata.annotations?.[ACCOUNT_NAME]
      ? [required(`metadata.annotations[${ACCOUNT_NAME}]`)]
      : []),
    ...immutableErrors(object, old, ['data']),
  ]
}

export const secret = defineKind({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Secret',
  selectableFields: { type: (object) => (object as Secret).type ?? '' },
  defaults,
  validate,
  columns: [
    nameColumn,
    column('Type', 'string', 'api.core.v1.Secret.type', (object) => (object as Secret).type ?? ''),
    column('Data', 'string', 'api.core.v1.Secret.data', (object) => Object.keys((object as Secret).data ?? {}).length),
    ageColumn,
  ],
})
