/** Pages beside the resources: health, version, discovery, OpenAPI. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { negotiate } from './accept.ts'
import { aggregated, apiGroup, apiGroups, apiResources, apiVersions, VERSION } from './discovery.ts'
import { openapiDocument, openapiIndex } from './openapi/index.ts'
import type { Registry } from './registry.ts'
import { send, sendText } from './reply.ts'

export interface PageContext {
  readonly registry: Registry
  /** `ADDRESS:PORT` that /api names. */
  readonly serverAddress: string
}

const NOT_FOUND = '404 page not found\n'

function health(url: URL, response: ServerResponse): void {
  const name = url.pathname.slice(1)
  const checks = ['ping', 'log', 'store']
  const verbose = `${checks.map((check) => `[+]${check} ok`).join('\n')}\n${name} check passed\n`
  sendText(response, 200, url.searchParams.has('verbose') ? verbose : 'ok')
}

/** Serves a page, or says that there is none. @throws {ApiError} 406 */
export function servePage(context: PageContext, request: IncomingMessage, response: ServerResponse, url: URL): void {
  const path = url.pathname.replace(/(?<=.)\/$/, '')
  const reads = request.method === 'GET' || request.method === 'HEAD'
  const body = reads ? jsonPage(context, path) : undefined
  if (body !== undefined) send(response, 200, JSON.stringify(body))
  else if (!reads) sendText(response, 404, NOT_FOUND)
  else if (path === '/healthz' || path === '/livez' || path === '/readyz') health(url, response)
  else if (path === '/api' || path === '/apis') serveRoot(context, request, response, path === '/api')
  else if (path === '/openapi/v2') serveOlderDocument(request, response)
  else if (path.startsWith('/openapi/v3/')) serveDocument(context, request, response, path.slice('/openapi/v3/'.length))
  else sendText(response, 404, NOT_FOUND)
}

function jsonPage(context: PageContext, path: string): object | undefined {
  const { kinds } = context.registry
  if (path === '/version') return VERSION
  if (path === '/openapi/v3') return openapiIndex(kinds)
  if (path === '/')
    return { paths: ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] }
  const [root, group = '', version, ...more] = path.slice(1).split('/')
  if (more.length > 0) return undefined
  if (root === 'api' && version === undefined) return apiResources(kinds, '', group)
  if (root !== 'apis') return undefined
  return version === undefined ? apiGroup(kinds, group) : apiResources(kinds, group, version)
}

function serveRoot(context: PageContext, request: IncomingMessage, response: ServerResponse, core: boolean): void {
  const { kinds } = context.registry
  const form = negotiate(request.headers.accept, true)
  if (!form.as.startsWith('discovery')) {
    send(response, 200, JSON.stringify(core ? apiVersions(context.serverAddress) : apiGroups(kinds)))
    return
  }
  const version = form.as === 'discovery-v2' ? 'v2' : 'v2beta1'
  const { body, etag } = aggregated(kinds, core, version)
  const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
  response.setHeader('vary', 'Accept')
  sendTagged(request, response, { body, etag, type, cache: 'public' })
}

function serveDocument(context: PageContext, request: IncomingMessage, response: ServerResponse, name: string): void {
  const document = openapiDocument(context.registry.kinds, name)
  if (document === undefined) sendText(response, 404, NOT_FOUND)
  else
    sendTagged(request, response, {
      body: document.body,
      etag: `"${document.hash}"`,
      type: 'application/json',
      cache: 'no-cache, private',
    })
}

const EMPTY_V2 = { swagger: '2.0', info: { title: 'Kubernetes', version: VERSION.gitVersion }, paths: {} }
/** Field 1 (swagger) of openapi.v2.Document, as protobuf. */
const EMPTY_V2_PROTOBUF = Buffer.from([0x0a, 3, ...Buffer.from('2.0')])

/**
 * A document without schemas: all are in version 3. kubectl asks for it when version 3 has not heard of a kind; it then says
 * `no matches for kind`, where a 404 would make it say that a requested resource was not found, and not which.
 */
function serveOlderDocument(request: IncomingMessage, response: ServerResponse): void {
  if (!/proto-openapi\.spec\.v2.*\+protobuf/.test(request.headers.accept ?? '')) {
    send(response, 200, JSON.stringify(EMPTY_V2))
    return
  }
  // kubectl asks with an `@` in the type, which no parser of media types takes back.
  const type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
  response.writeHead(200, { 'content-type': type, 'content-length': EMPTY_V2_PROTOBUF.length }).end(EMPTY_V2_PROTOBUF)
}

interface Tagged {
  readonly body: string
  readonly etag: string
  readonly type: string
  readonly cache: string
}

/** Sends a document, or 304 to who has it already. */
function sendTagged(request: IncomingMessage, response: ServerResponse, document: Tagged): void {
  response.setHeader('etag', document.etag)
  if (request.headers['if-none-match'] === document.etag) {
    response.writeHead(304).end()
    return
  }
  const headers = {
    'content-type': document.type,
    'cache-control': document.cache,
    'content-length': Buffer.byteLength(document.body),
  }
  response.writeHead(200, headers).end(document.body)
}
