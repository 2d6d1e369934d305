/** A client of the Kubernetes API that speaks raw JSON. */
import { createHttpClient, type HttpAnswer, type HttpClient, readText, TransportError } from '../http/client.ts'
import { FairwayError } from '../model/code.ts'
import { KUBE_ANSWER_UNREADABLE } from '../model/codes/kube.ts'
import { ApiError, unreachable } from './api-error.ts'
import { Backoff, pause } from './backoff.ts'
import type { ClientConfig } from './config.ts'
import { apiVersionOf, collectionPath, type ObjectName, objectPath, type Resource } from './resource.ts'
import type { KubeList, KubeObject, Status } from './types.ts'

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface RequestOptions {
  readonly query?: Query
  /** Sent as JSON. */
  readonly body?: unknown
  /** `application/json` by default when there is a body. */
  readonly contentType?: string
  readonly accept?: string
  readonly signal?: AbortSignal
  /** Time for the head of the answer; 30 s by default. */
  readonly timeoutInMs?: number
  /** Attempts in all for what may be repeated without harm; 5 by default, 1 for none. */
  readonly attempts?: number
}

export interface ListOptions extends RequestOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

export interface PatchOptions extends RequestOptions {
  readonly type: PatchType
  readonly subresource?: string
}

export interface DeleteOptions extends RequestOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  /** Delete only this very object, not one that took its name. */
  readonly uid?: string
  /** Delete it only as it was at this version. */
  readonly resourceVersion?: string
}

/**
 * Typed doors to the API. All throw FairwayError: `ApiError` when the server answered and refused, another one
 * when there was no answer. What can be repeated without harm is, with growing delays: any request that was never sent or was
 * answered 429; GET, PUT and DELETE also after 503 or a broken connection.
 */
export interface KubeClient {
  readonly server: string
  get<T extends KubeObject>(resource: Resource<T>, object: ObjectName, options?: RequestOptions): Promise<T>
  /** One page (all of it without `limit`); the items get the apiVersion and kind that the server leaves out. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>
  /** Into the namespace of the object's metadata. apiVersion and kind are filled in. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T>
  /** Replaces; a resourceVersion in the metadata makes it conditional. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T>
  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T>
  patch<T extends KubeObject>(resource: Resource<T>, object: ObjectName, patch: unknown, options: PatchOptions): Promise<T>
  /** Gives the object if it is still there (a grace period, finalizers), else the Status. */
  delete<T extends KubeObject>(resource: Resource<T>, object: ObjectName, options?: DeleteOptions): Promise<T | Status>
  /** Any request; the answer's JSON, undefined for an empty one. */
  request<T = unknown>(method: string, path: string, options?: RequestOptions): Promise<T>
  /** Any request; the answer's text. */
  text(method: string, path: string, options?: RequestOptions): Promise<string>
  /** Any request; the answer's stream, which the caller must read to its end or destroy. */
  open(method: string, path: string, options?: RequestOptions): Promise<HttpAnswer>
  /** Closes every connection. */
  close(): void
}

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
const USER_AGENT = 'fairway'

/** Makes a client with a pool of its own. */
export function createClient(config: ClientConfig): KubeClient {
  const http = createHttpClient({ proxy: config.proxy })

  async function open(method: string, path: string, options: RequestOptions = {}): Promise<HttpAnswer> {
    const backoff = new Backoff({ firstInMs: 100, maxInMs: 5_000 })
    for (let left = options.attempts ?? 5; ; ) {
      const answer = await sendOnce(http, config, { method, path, options }).catch((error: unknown) => new Failure(error))
      if (!(answer instanceof Failure)) return answer
      const waitInMs = Math.max(backoff.next(), answer.retryAfterInMs)
      if (--left <= 0 || !mayRepeat(method, answer.error) || !(await pause(waitInMs, options.signal)))
        throw explained(answer.error, config)
    }
  }

  async function text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    const answer = await open(method, path, options)
    return readText(answer.body, options.timeoutInMs).catch((error: unknown) => {
      throw explained(error, config)
    })
  }

  async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return parseAnswer(await text(method, path, options), `${method} ${path}`) as T
  }

  return { server: config.server, open, text, request, close: () => http.close(), ...verbs(request) }
}

/** An attempt that failed, told apart from an answer. */
class Failure {
  readonly error: unknown
  readonly retryAfterInMs: number

  constructor(error: unknown) {
    this.error = error
    this.retryAfterInMs = error instanceof ApiError ? error.retryAfterInMs : 0
  }
}

interface Call {
  readonly method: string
  readonly path: string
  readonly options: RequestOptions
}

async function sendOnce(http: HttpClient, config: ClientConfig, { method, path, options }: Call): Promise<HttpAnswer> {
  const { cert, key, headers } = await config.credentials()
  const url = new URL(config.server + path)
  for (const [name, value] of Object.entries(options.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const body = options.body === undefined ? undefined : JSON.stringify(options.body)
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }
  const answer = await http.request({
    method,
    url,
    body,
    headers: { accept: options.accept ?? 'application/json', 'user-agent': USER_AGENT, ...type, ...headers },
    tls: { ca: config.ca, cert, key, insecure: config.insecure, serverName: config.serverName },
    signal: options.signal,
    timeoutInMs: options.timeoutInMs,
  })
  if (answer.status >= 200 && answer.status < 300) return answer
  throw await refusal(answer, `${method} ${path}`)
}

function explained(error: unknown, config: ClientConfig): unknown {
  return error instanceof TransportError ? unreachable(error, config.server) : error
}

type Verbs = Pick<KubeClient, 'get' | 'list' | 'create' | 'update' | 'updateStatus' | 'patch' | 'delete'>

function verbs(request: KubeClient['request']): Verbs {
  return {
    get: (resource, object, options) => request('GET', objectPath(resource, object), options),
    list: (resource, options = {}) => list(request, resource, options),
    create: (resource, object, options) =>
      request('POST', collectionPath(resource, object.metadata.namespace), { ...options, body: typed(resource, object) }),
    update: (resource, object, options) =>
      request('PUT', objectPath(resource, nameOf(object)), { ...options, body: typed(resource, object) }),
    updateStatus: (resource, object, options) =>
      request('PUT', objectPath(resource, nameOf(object), 'status'), { ...options, body: typed(resource, object) }),
    patch: (resource, object, patch, options) =>
      request('PATCH', objectPath(resource, object, options.subresource), {
        ...options,
        body: patch,
        contentType: PATCH_TYPES[options.type],
      }),
    delete: (resource, object, options = {}) => {
      const { gracePeriodSeconds, propagationPolicy, uid, resourceVersion } = options
      const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion }
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds, propagationPolicy, preconditions }
      return request('DELETE', objectPath(resource, object), { ...options, body })
    },
  }
}

async function list<T extends KubeObject>(
  request: KubeClient['request'],
  resource: Resource<T>,
  options: ListOptions,
): Promise<KubeList<T>> {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options
  const query = {
    labelSelector,
    fieldSelector,
    limit,
    continue: options.continue,
    resourceVersion,
    resourceVersionMatch,
    ...options.query,
  }
  const answer = await request<KubeList<T>>('GET', collectionPath(resource, options.namespace), { ...options, query })
  return { ...answer, items: (answer.items ?? []).map((item) => typed(resource, item)) }
}

function typed<T extends KubeObject>(resource: Resource<T>, object: T): T {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
}

function nameOf(object: KubeObject): ObjectName {
  return { namespace: object.metadata.namespace, name: object.metadata.name ?? '' }
}

function mayRepeat(method: string, error: unknown): boolean {
  if (error instanceof ApiError) return error.httpStatus === 429 || (error.httpStatus === 503 && REPEATABLE.has(method))
  if (!(error instanceof TransportError) || error.failure === 'aborted' || error.failure === 'untrusted') return false
  return !error.sent || REPEATABLE.has(method)
}

async function refusal(answer: HttpAnswer, request: string): Promise<ApiError> {
  const text = await readText(answer.body).catch(() => '')
  const seconds = Number(answer.headers['retry-after'] ?? 0)
  const retryAfterInMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, 30_000) : 0
  return new ApiError(answer.status, statusOf(text), { request, retryAfterInMs })
}

function statusOf(text: string): Status {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch {
    // not an API server's words, or a load balancer's before it: the text itself is the message
  }
  return { message: text.trim().slice(0, 300) }
}

function parseAnswer(text: string, request: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new FairwayError(KUBE_ANSWER_UNREADABLE, `${request}: the answer is not JSON: ${text.slice(0, 80)}`, { cause })
  }
}
