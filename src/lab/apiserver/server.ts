/** The request handler: from a request to an answer, the same for every kind. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { FairwayError } from '../../model/code.ts'
import { negotiate } from './accept.ts'
import { decodeObject } from './decoding.ts'
import { deleteObject, parseDeleteOptions } from './deletion.ts'
import type { Exchange, Verbs } from './exchange.ts'
import { impersonated } from './impersonation.ts'
import type { KindRecord, KubeletStream } from './kind.ts'
import type { KubeletClient } from './kubelet-address.ts'
import { serveStream } from './kubelet-stream.ts'
import { parseListOptions, parseVersion } from './list-options.ts'
import { type PageContext, servePage } from './page.ts'
import { APPLY_TYPE, patchObject } from './patch.ts'
import { servePodLog } from './pod-log.ts'
import { awaitVersion, listPage } from './reader.ts'
import type { Registry, Target } from './registry.ts'
import { addWarnings, listParts, renderObject, send, sendError, sendParts } from './reply.ts'
import { mediaType, parseObject, readBody } from './request-body.ts'
import { answerReview, reviewAt, type User } from './review.ts'
import { scaleVerbs } from './scale-verbs.ts'
import { ApiError, deleted, internalError, methodNotAllowed, unauthorized, unknownResource } from './status.ts'
import { actOn, type ProxyRequest } from './subresource.ts'
import { parseIncludeObject } from './table.ts'
import type { TokenUser } from './token-user.ts'
import { serveWatch } from './watch.ts'
import { parseWriteOptions, requireFieldManager, type WriteOptions } from './write-options.ts'
import type { Writer, Written } from './writer.ts'

export interface HandlerOptions extends PageContext {
  readonly writer: Writer
  readonly registry: Registry
  readonly log: Logger
  /** Absent: logs of pods cannot be had. */
  readonly kubelet: KubeletClient | undefined
  /** Who a token in the Authorization header is of. */
  readonly userOf: TokenUser
  /** Ends watches. */
  readonly signal: AbortSignal
}

/** Paths that anyone may see. */
const OPEN: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version'])

export class Handler {
  readonly #options: HandlerOptions
  readonly #item: Verbs
  readonly #collection: Verbs
  readonly #scale: Verbs

  constructor(options: HandlerOptions) {
    this.#options = options
    this.#item = {
      GET: (exchange) => this.#get(exchange),
      PUT: (exchange) => this.#put(exchange),
      PATCH: (exchange) => this.#patch(exchange),
      DELETE: (exchange) => this.#delete(exchange),
      POST: (exchange) => this.#createSubresource(exchange),
    }
    this.#collection = {
      GET: (exchange) => this.#list(exchange),
      POST: (exchange) => this.#create(exchange),
      DELETE: (exchange) => this.#deleteCollection(exchange),
    }
    this.#scale = scaleVerbs(options.writer)
  }

  /** Answers one request, whatever happens. `certified` is undefined for those without a certificate; they may have a token. */
  async handle(request: IncomingMessage, response: ServerResponse, certified: User | undefined): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://lab')
      const user = certified ?? this.#options.userOf(request.headers.authorization)
      if (user === undefined && !OPEN.has(url.pathname)) throw unauthorized()
      const anybody = user ?? { name: 'system:anonymous', groups: ['system:unauthenticated'] }
      await this.#route(request, response, url, impersonated(anybody, request.headers))
    } catch (error) {
      this.#fail(response, error)
    }
  }

  upgrades(request: IncomingMessage): boolean {
    try {
      const target = this.#options.registry.resolve(new URL(request.url ?? '/', 'http://lab').pathname)
      return typeof target !== 'string' && target.record.streams?.[target.subresource] !== undefined
    } catch {
      return false
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, url: URL, user: User): Promise<void> {
    const review = reviewAt(url.pathname)
    if (review !== undefined) {
      if (request.method !== 'POST') throw methodNotAllowed()
      const sent = parseObject(review.kind, request.headers['content-type'], await readBody(request))
      send(response, 201, JSON.stringify(answerReview(review, user, sent)), negotiate(request.headers.accept))
      return
    }
    const target = this.#options.registry.resolve(url.pathname)
    if (typeof target === 'string') {
      if (target === 'resource') throw unknownResource()
      servePage(this.#options, request, response, url)
      return
    }
    const { record, namespace, subresource } = target
    const form = negotiate(request.headers.accept)
    const include = parseIncludeObject(url.searchParams)
    const rendering = { record, form, include, nowInMs: this.#options.writer.now() }
    const exchange = {
      request,
      response,
      query: url.searchParams,
      form,
      target,
      rendering,
      place: { record, namespace, subresource },
    }
    const verb = this.#verbsOf(target)[request.method ?? '']
    if (subresource !== '' && !record.subresources.includes(subresource)) throw unknownResource()
    if (verb === undefined) throw methodNotAllowed()
    if (record.deprecated !== undefined) addWarnings(response, [record.deprecated])
    const stream = record.streams?.[subresource]
    if (stream === undefined) await verb(exchange)
    else await this.#stream(exchange, stream)
  }

  #verbsOf({ name, watch, subresource, record }: Target): Verbs {
    if (name === undefined || watch) return this.#collection
    return subresource === 'scale' && record.scale !== undefined ? this.#scale : this.#item
  }

  async #get(exchange: Exchange): Promise<void> {
    const { writer, kubelet } = this.#options
    const { target, place, query, response, rendering, request } = exchange
    const name = target.name ?? ''
    if (target.subresource === 'log') {
      const proxy: ProxyRequest = { writer, place, name, query, request, response }
      await servePodLog(proxy, kubelet)
      return
    }
    await awaitVersion(writer.store, parseVersion(query.get('resourceVersion') ?? ''))
    const stored = writer.get(place, name)
    send(response, 200, renderObject(rendering, stored.object, stored), exchange.form)
  }

  async #stream(exchange: Exchange, stream: KubeletStream): Promise<void> {
    const { writer, kubelet, signal } = this.#options
    const { target, place, query, request, response } = exchange
    if (request.method !== 'GET' && request.method !== 'POST') throw methodNotAllowed()
    await serveStream({ writer, place, name: target.name ?? '', query, request, response }, stream, kubelet, signal)
  }

  async #list(exchange: Exchange): Promise<void> {
    const { writer, signal } = this.#options
    const { target, rendering, response, form, query } = exchange
    const { store } = writer
    if (target.name !== undefined) query.append('fieldSelector', `metadata.name=${target.name}`)
    const options = parseListOptions(query, target.watch ? true : undefined)
    if (options.watch) serveWatch({ store, rendering, namespace: target.namespace, options }, response, signal)
    else await sendParts(response, listParts(rendering, await listPage(store, target.record, target.namespace, options)), form)
  }

  async #create(exchange: Exchange): Promise<void> {
    const { record, namespace } = exchange.target
    if (record.namespaced && namespace === undefined) throw methodNotAllowed()
    const options = this.#writeOptions('CreateOptions', exchange)
    const { object, warnings } = await this.#decode(exchange, record, options)
    this.#answer(exchange, this.#options.writer.create({ place: exchange.place, object, options }), warnings)
  }

  async #put(exchange: Exchange): Promise<void> {
    const options = this.#writeOptions('UpdateOptions', exchange)
    const { object, warnings } = await this.#decode(exchange, exchange.target.record, options)
    const written = this.#options.writer.replace({ place: exchange.place, object, options }, exchange.target.name ?? '')
    this.#answer(exchange, written, warnings)
  }

  async #patch(exchange: Exchange): Promise<void> {
    const { request, query, place, target } = exchange
    const options = this.#writeOptions('PatchOptions', exchange)
    const contentType = request.headers['content-type']
    if (mediaType(contentType) === APPLY_TYPE) requireFieldManager(query)
    const body = (await readBody(request)).toString()
    this.#answer(exchange, patchObject(this.#options.writer, { place, name: target.name ?? '', contentType, body, options }), [])
  }

  async #delete(exchange: Exchange): Promise<void> {
    const { target, place, response, rendering, form, query } = exchange
    const { record } = target
    if (target.subresource !== '') throw methodNotAllowed()
    const options = parseDeleteOptions(await this.#optionalBody(exchange), query)
    this.#writeOptions('DeleteOptions', exchange)
    const stored = this.#options.writer.get(place, target.name ?? '')
    const { object, gone } = deleteObject(this.#options.writer, record, stored, options)
    const { name = '', uid = '' } = object.metadata
    const asStatus = gone && record.returnsDeleted !== true
    send(response, 200, asStatus ? JSON.stringify(deleted(record, name, uid)) : renderObject(rendering, object), form)
  }

  async #deleteCollection(exchange: Exchange): Promise<void> {
    const { target, query, rendering, response, form } = exchange
    const { writer } = this.#options
    const body = await this.#optionalBody(exchange)
    const options = parseDeleteOptions(body, query)
    const page = await listPage(writer.store, target.record, target.namespace, parseListOptions(query, false))
    for (const stored of page.items) deleteObject(writer, target.record, stored, options)
    await sendParts(response, listParts(rendering, page), form)
  }

  async #createSubresource(exchange: Exchange): Promise<void> {
    const { target, place, request, response, form } = exchange
    const options = this.#writeOptions('CreateOptions', exchange)
    const body = parseObject(target.record.kind, request.headers['content-type'], await readBody(request))
    send(
      response,
      201,
      JSON.stringify(actOn({ writer: this.#options.writer, place, name: target.name ?? '', body, options })),
      form,
    )
  }

  #writeOptions(kind: string, exchange: Exchange): WriteOptions {
    return parseWriteOptions(kind, exchange.query, exchange.request.headers['user-agent'])
  }

  async #decode(exchange: Exchange, record: KindRecord, options: WriteOptions) {
    const raw = parseObject(record.kind, exchange.request.headers['content-type'], await readBody(exchange.request))
    return decodeObject(record, raw, options.fieldValidation)
  }

  async #optionalBody(exchange: Exchange): Promise<unknown> {
    const body = await readBody(exchange.request)
    return body.length === 0 ? undefined : parseObject('DeleteOptions', exchange.request.headers['content-type'], body)
  }

  #answer(exchange: Exchange, written: Written, warnings: readonly string[]): void {
    addWarnings(exchange.response, [...warnings, ...written.warnings])
    const json = renderObject(exchange.rendering, written.object, written.stored)
    send(exchange.response, written.created ? 201 : 200, json, exchange.form)
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent) {
      response.destroy()
      return
    }
    if (error instanceof ApiError) {
      sendError(response, error)
      return
    }
    this.#options.log.error({ err: error }, 'a request failed')
    const message =
      error instanceof FairwayError ? `${error.message}; ${error.code.code}: ${error.fix}` : (error as Error).message
    sendError(response, internalError(message))
  }
}
