import type { KindRecord, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { ageColumn, column, defineKind, nameColumn } from '../define.ts'

interface Revision extends RawObject {
  data?: unknown
  revision?: number
}

/** `daemonset.apps/NAME`. Source: kubernetes pkg/printers/internalversion/printers.go, printControllerRevision. */
function controller({ metadata }: RawObject): string {
  const found = metadata.ownerReferences?.find((each) => each.controller === true)
  if (found === undefined) return '<none>'
  const [group, version] = String(found.apiVersion ?? '').split('/')
  return `${`${found.kind}`.toLowerCase()}${version === undefined ? '' : `.${group}`}/${found.name}`
}

/** A past or present template of a DaemonSet or StatefulSet; what it holds never changes. */
export const controllerRevision: KindRecord = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  namespaced: true,
  schema: 'io.k8s.api.apps.v1.ControllerRevision',
  validate(object, old) {
    const { data, revision = 0 } = object as Revision
    return [
      ...(data === undefined ? [check.required('data', 'data is mandatory')] : []),
      ...check.notNegative('revision', revision),
      ...(old === undefined ? [] : check.unchanged('data', data, (old as Revision).data)),
    ]
  },
  columns: [
    nameColumn,
    column('Controller', 'string', 'Controller of the object', controller),
    column('Revision', 'string', 'api.apps.v1.ControllerRevision.revision', (object) =>
      String((object as Revision).revision ?? 0),
    ),
    ageColumn,
  ],
})
