/** Subresources that are POSTed (`actions` of a record), and what discovery says of all of them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { decodeObject } from './decoding.ts'
import { deleteObject, parseDeleteOptions } from './deletion.ts'
import type { Place } from './incoming.ts'
import type { KindRecord } from './kind.ts'
import { conflict, invalid, methodNotAllowed, tooManyRequests } from './status.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

export interface ActionRequest {
  readonly writer: Writer
  readonly place: Place
  readonly name: string
  readonly body: unknown
  readonly options: WriteOptions
}

/** A request for a subresource that is served by handing it to another server. */
export interface ProxyRequest {
  readonly writer: Writer
  readonly place: Place
  readonly name: string
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** What a subresource is to discovery: group and version are those of its kind, when it is another than the object's. */
export interface SubresourceInfo {
  readonly kind: string
  readonly group?: string
  readonly version?: string
  readonly verbs: readonly string[]
}

const VERBS: Readonly<Record<string, readonly string[]>> = { log: ['get'], finalize: ['update'] }

const SCALE = { kind: 'Scale', group: 'autoscaling', version: 'v1' } as const

/** What discovery says of one subresource of a kind. */
export function subresourceInfo(
  record: Pick<KindRecord, 'kind' | 'actions' | 'streams' | 'scale'>,
  name: string,
): SubresourceInfo {
  const stream = record.streams?.[name]
  if (stream !== undefined) return { kind: stream.kind, verbs: ['create', 'get'] }
  if (name === 'scale' && record.scale !== undefined) return { ...SCALE, verbs: ['get', 'patch', 'update'] }
  const action = record.actions?.[name]
  if (action === undefined) return { kind: record.kind, verbs: VERBS[name] ?? ['get', 'patch', 'update'] }
  const foreign = action.group === '' ? {} : { group: action.group, version: action.version }
  return { ...foreign, kind: action.kind, verbs: ['create'] }
}

/** Acts on an object as its record says. Shape: answers the body of a Status, or what the record answers. @throws {ApiError} 400, 404, 405, 409, 422, 429 */
export function actOn(request: ActionRequest): object {
  const { writer, place, name, options } = request
  const { record, subresource } = place
  const action = record.actions?.[subresource]
  if (action === undefined) throw methodNotAllowed()
  const { object: body } = decodeObject(action, request.body, options.fieldValidation)
  const old = writer.get(place, name)
  const object = structuredClone(old.object)
  const outcome = action.act(object, body, writer.now())
  if ('answer' in outcome) return outcome.answer
  if ('errors' in outcome) throw invalid(action, name, outcome.errors)
  if ('tooMany' in outcome) throw tooManyRequests(outcome.tooMany, outcome.cause)
  if ('conflict' in outcome)
    throw conflict({ group: record.group, plural: `${record.plural}/${subresource}` }, name, outcome.conflict)
  if (outcome.next === 'update') writer.update({ place, object, options, keepsGeneration: true }, old)
  else {
    const deletion = parseDeleteOptions(body.deleteOptions, new URLSearchParams())
    deleteObject(writer, record, old, { ...deletion, dryRun: deletion.dryRun || options.dryRun })
  }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
}
