/** Writes answers: JSON or YAML, the object, its metadata alone, or a Table. */
import type { ServerResponse } from 'node:http'
import { stringify as stringifyYaml } from 'yaml'
import type { Form } from './accept.ts'
import { storedToServed, toServed } from './conversion.ts'
import { sortedKeys } from './json.ts'
import type { KindRecord, RawObject } from './kind.ts'
import type { Page } from './reader.ts'
import type { ApiError } from './status.ts'
import { apiVersionOf, itemJson, type Stored, storedOf } from './stored.ts'
import { type IncludeObject, partialOf, tableOf } from './table.ts'

/** What an answer to a request for objects depends on. */
export interface Rendering {
  readonly record: KindRecord
  readonly form: Form
  readonly include: IncludeObject
  readonly nowInMs: number
}

/** Writes a whole answer. `json` is the text of a JSON document. */
export function send(response: ServerResponse, code: number, json: string, form?: Form): void {
  const body = form?.yaml === true ? stringifyYaml(sortedKeys(JSON.parse(json)), { lineWidth: 0 }) : `${json}\n`
  response.writeHead(code, {
    'content-type': form?.yaml === true ? 'application/yaml' : 'application/json',
    'cache-control': 'no-cache, private',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-cache, private',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

export function sendError(response: ServerResponse, error: ApiError, form?: Form): void {
  const details = error.status.details as { readonly retryAfterSeconds?: number } | undefined
  if (details?.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(details.retryAfterSeconds))
  send(response, error.code, JSON.stringify(error.status), form)
}

/** Warnings as HTTP has them, beside those that are there: kubectl prints each. */
export function addWarnings(response: ServerResponse, warnings: readonly string[]): void {
  for (const text of warnings) response.appendHeader('warning', `299 - ${JSON.stringify(text)}`)
}

/** The JSON of one object that need not be stored (a dry run); without a resourceVersion when it has none. */
export function objectJson(object: RawObject, stored: Stored | undefined): string {
  if (stored !== undefined) return stored.json
  const complete = storedOf(object, 0).object
  return JSON.stringify({ ...complete, metadata: { ...complete.metadata, resourceVersion: object.metadata.resourceVersion } })
}

const metadataOf = (object: RawObject): object => ({ resourceVersion: object.metadata.resourceVersion })

/** One object in the form asked for. */
export function renderObject(rendering: Rendering, object: RawObject, stored?: Stored): string {
  const { form, record, include, nowInMs } = rendering
  if (form.as === 'table')
    return JSON.stringify(
      tableOf({ record, version: form.version, include, nowInMs }, [stored ?? storedOf(object, 0)], metadataOf(object)),
    )
  return form.as === 'partial'
    ? JSON.stringify(partialOf(object, form.version))
    : objectJson(toServed(record, object), stored && storedToServed(record, stored))
}

/** A list in the form asked for, in parts that together are one JSON document: a large one is never whole in memory. */
export function* listParts(rendering: Rendering, page: Page): Generator<string> {
  const { form, record, include, nowInMs } = rendering
  if (form.as === 'table') {
    yield JSON.stringify(tableOf({ record, version: form.version, include, nowInMs }, page.items, page.metadata))
    return
  }
  const partial = form.as === 'partial-list' || form.as === 'partial'
  const kind = partial ? 'PartialObjectMetadataList' : (record.listKind ?? `${record.kind}List`)
  const apiVersion = partial ? `meta.k8s.io/${form.version}` : apiVersionOf(record)
  yield `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(page.metadata)},"items":[`
  let separator = ''
  for (const stored of page.items) {
    yield separator +
      (partial ? JSON.stringify(partialOf(stored.object, form.version)) : itemJson(storedToServed(record, stored)))
    separator = ','
  }
  yield ']}'
}

const PART_IN_CHARACTERS = 256 * 1024

/** Writes an answer in parts, as fast as the client reads; a short one whole. Objects written meanwhile do not show in it. */
export async function sendParts(response: ServerResponse, parts: Iterable<string>, form: Form): Promise<void> {
  const rest = parts[Symbol.iterator]()
  const first = gather(rest)
  if (first.done || form.yaml) {
    send(response, 200, first.text + (first.done ? '' : [...remaining(rest)].join('')), form)
    return
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  for (let part = first; ; part = gather(rest)) {
    if (part.done) {
      response.end(`${part.text}\n`)
      return
    }
    if (!response.write(part.text)) await drained(response)
    if (response.destroyed) return
  }
}

interface Gathered {
  readonly text: string
  readonly done: boolean
}

/** Parts together until they are worth a write. */
function gather(parts: Iterator<string>): Gathered {
  let text = ''
  while (text.length < PART_IN_CHARACTERS) {
    const { value, done } = parts.next()
    if (done === true) return { text, done: true }
    text += value
  }
  return { text, done: false }
}

function* remaining(parts: Iterator<string>): Generator<string> {
  for (let next = parts.next(); next.done !== true; next = parts.next()) yield next.value
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
