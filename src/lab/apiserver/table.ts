/** Server-side tables: what makes `kubectl get` print its columns. */
import type { Form } from './accept.ts'
import { asRead, toServed } from './conversion.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { badRequest } from './status.ts'
import type { Stored } from './stored.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

/** Reads `includeObject`; Metadata by default. @throws {ApiError} 400 */
export function parseIncludeObject(query: URLSearchParams): IncludeObject {
  const text = query.get('includeObject') ?? ''
  if (text === '') return 'Metadata'
  if (text === 'None' || text === 'Metadata' || text === 'Object') return text
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`,
  )
}

export interface TableRequest {
  readonly record: KindRecord
  readonly version: Form['version']
  readonly include: IncludeObject
  readonly nowInMs: number
}

/** Metadata of an object alone, as a PartialObjectMetadata. */
export function partialOf(object: RawObject, version: Form['version']): RawObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}

function definitions(record: KindRecord): readonly unknown[] {
  return record.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description,
    priority: priority ?? 0,
  }))
}

function row(request: TableRequest, object: RawObject): unknown {
  const cells = request.record.columns.map((column) => column.value(object, request.nowInMs))
  if (request.include === 'None') return { cells, object: null }
  return { cells, object: request.include === 'Object' ? toServed(request.record, object) : partialOf(object, request.version) }
}

/** A Table of some objects. `columns` false leaves the definitions out, as later events of a watch do. */
export function tableOf(request: TableRequest, objects: readonly Stored[], metadata: object, columns = true): object {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${request.version}`,
    metadata,
    columnDefinitions: columns ? definitions(request.record) : null,
    rows: objects.map((stored) => row(request, asRead(request.record, stored.object))),
  }
}
