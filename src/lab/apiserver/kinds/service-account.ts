import { ageColumn, column, defineKind, nameColumn } from './define.ts'

export const serviceAccount = defineKind({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.ServiceAccount',
  returnsDeleted: true,
  columns: [
    nameColumn,
    column('Secrets', 'string', 'api.core.v1.ServiceAccount.secrets', (object) => ((object.secrets ?? []) as unknown[]).length),
    ageColumn,
  ],
})
