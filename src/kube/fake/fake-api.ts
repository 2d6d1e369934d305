/** The fake API server's HTTP side. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ClientConfig } from '../config.ts'
import type { KubeObject } from '../types.ts'
import { FakeStore, type StoredEvent } from './fake-store.ts'

/**
 * What goes wrong with a request. `reset` closes the connection without an answer, `silence` leaves it open; `status` answers it. Of a watch: `cut`
 * closes it, in the middle of a line when `half`; `end` ends it as its timer would; `garbage` sends a line that is none; `error`
 * sends an ERROR event; `repeat` sends the last line again.
 */
export type Fault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'silence' }
  | { readonly kind: 'status'; readonly status: number; readonly body?: object; readonly retryAfter?: number }
export type WatchFault = 'cut' | 'half' | 'end' | 'garbage' | 'error-410' | 'error-500' | 'repeat' | 'bookmark'

export interface FakeApiOptions {
  /** Whether sendInitialEvents is known: `no` refuses it as 422, `ignore` as servers before 1.27. */
  readonly watchList?: 'yes' | 'no' | 'ignore'
  /** A status that is written is that of the object from then on. */
  readonly keepsStatus?: boolean
}

interface Watcher {
  readonly response: http.ServerResponse
  last: string
  stop: () => void
}

export class FakeApi {
  readonly store = new FakeStore()
  /** Where it listens, or last did. */
  port = 0
  /** `METHOD path?query` of every request, in order. */
  readonly requests: string[] = []
  /** Bodies of POST and PATCH. */
  readonly bodies: { readonly path: string; readonly body: unknown }[] = []
  /** Asked before each request is served. */
  fault: (method: string, url: URL) => Fault | undefined = () => undefined
  private readonly options: FakeApiOptions
  private readonly snapshots = new Map<string, readonly KubeObject[]>()
  private readonly watchers = new Set<Watcher>()
  private readonly server = http.createServer((request, response) => this.serve(request, response))

  constructor(options: FakeApiOptions = {}) {
    this.options = options
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve))
    this.port = (this.server.address() as AddressInfo).port
  }

  /** Listens on every address, bound before it returns: for a caller that is in another network namespace for the moment. */
  listenHere(port: number): void {
    this.server.listen(port)
    this.port = port
  }

  get config(): ClientConfig {
    const credentials = () => Promise.resolve({ headers: {} })
    return { server: `http://127.0.0.1:${this.port}`, insecure: false, namespace: 'default', source: 'test', credentials }
  }

  /** Stops listening and breaks every connection; `listen(port)` brings it back. */
  async close(): Promise<void> {
    for (const watcher of [...this.watchers]) this.drop(watcher)
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  get watching(): number {
    return this.watchers.size
  }

  /** Does this to every watch that is open. */
  disturb(fault: WatchFault): void {
    for (const watcher of [...this.watchers]) this.disturbOne(watcher, fault)
  }

  private disturbOne(watcher: Watcher, fault: WatchFault): void {
    const { response, last } = watcher
    if (fault === 'garbage') response.write('<html>Bad Gateway</html>\n')
    if (fault === 'repeat' && last !== '') response.write(last)
    if (fault === 'bookmark') this.bookmark(watcher)
    if (fault === 'error-410') response.write(line('ERROR', status(410, 'Expired', 'too old resource version')))
    if (fault === 'error-500') response.write(line('ERROR', status(500, 'InternalError', 'etcd is unwell')))
    if (fault === 'half') response.write('{"type":"MODIFIED","object":{"metadata":{"na')
    if (fault === 'half' || fault === 'cut') {
      // what was written goes out first, then the connection breaks
      this.watchers.delete(watcher)
      watcher.stop()
      setImmediate(() => response.socket?.destroy())
    }
    if (fault === 'end') this.drop(watcher)
  }

  private drop(watcher: Watcher): void {
    watcher.stop()
    this.watchers.delete(watcher)
    watcher.response.end()
  }

  private bookmark({ response }: Watcher, annotations?: Record<string, string>): void {
    response.write(line('BOOKMARK', { metadata: { resourceVersion: String(this.store.revision), annotations } }))
  }

  private serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://fake')
    const method = request.method ?? 'GET'
    this.requests.push(`${method} ${url.pathname}${url.search}`)
    const fault = this.fault(method, url)
    if (fault?.kind === 'reset' || fault?.kind === 'silence') {
      if (fault.kind === 'reset') request.socket.destroy()
      return
    }
    if (fault !== undefined) {
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter))
      answer(response, fault.status, fault.body ?? status(fault.status, 'InternalError', 'a fault on purpose'))
    } else if (method !== 'GET') this.write(request, response, url)
    else if (url.searchParams.has('watch')) this.watch(response, url)
    else this.read(response, url)
  }

  private write(request: http.IncomingMessage, response: http.ServerResponse, url: URL): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString() || '{}')
      this.bodies.push({ path: url.pathname, body })
      if (this.options.keepsStatus) this.keepStatus(url.pathname, body)
      answer(response, request.method === 'POST' ? 201 : 200, body as object)
    })
  }

  private keepStatus(path: string, body: unknown): void {
    const [, root = '', namespace = '', plural = '', name = ''] =
      /^(.*)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)\/status$/.exec(path) ?? []
    const object = this.store.objects(`${root}/${plural}`).get(`${namespace}/${name}`)
    if (object !== undefined)
      this.store.put(`${root}/${plural}`, { ...object, ...{ status: (body as { status: unknown }).status } })
  }

  private read(response: http.ServerResponse, url: URL): void {
    const named = /^(.*)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname)
    const found = named === null ? undefined : this.store.objects(`${named[1]}/${named[3]}`).get(`${named[2]}/${named[4]}`)
    const [, collection = '', name = ''] = /^(.*)\/([^/]+)$/.exec(url.pathname) ?? []
    const ofCluster = this.store.objects(collection).get(name)
    if (ofCluster !== undefined) answer(response, 200, ofCluster)
    else if (named !== null) answer(response, found ? 200 : 404, found ?? status(404, 'NotFound', 'not found'))
    else this.list(response, url)
  }

  /** Pages are of the state at the first one, as etcd's are. */
  private list(response: http.ServerResponse, url: URL): void {
    const [revision = String(this.store.revision), start = '0'] = (url.searchParams.get('continue') ?? '')
      .split('.')
      .filter(Boolean)
    if (Number(revision) < this.store.compacted) {
      answer(response, 410, status(410, 'Expired', 'The provided continue parameter is too old'))
      return
    }
    const limit = Number(url.searchParams.get('limit') ?? 0) || Number.POSITIVE_INFINITY
    const snapshot = `${url.pathname} ${url.searchParams.get('fieldSelector')} ${revision}`
    const all = (start === '0' ? undefined : this.snapshots.get(snapshot)) ?? this.selected(url)
    const end = Math.min(all.length, Number(start) + limit)
    if (end < all.length) this.snapshots.set(snapshot, all)
    const next = end < all.length ? `${revision}.${end}` : undefined
    answer(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: revision, continue: next },
      items: all.slice(Number(start), end),
    })
  }

  private selected(url: URL): readonly KubeObject[] {
    return [...this.store.objects(url.pathname).values()].filter((object) => selects(url, object))
  }

  private watch(response: http.ServerResponse, url: URL): void {
    const initial = url.searchParams.get('sendInitialEvents') === 'true'
    if (initial && this.options.watchList === 'no') {
      answer(
        response,
        422,
        status(
          422,
          'Invalid',
          'sendInitialEvents: Forbidden: is forbidden for watch unless the WatchList feature gate is enabled',
        ),
      )
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const from = Number(url.searchParams.get('resourceVersion') ?? 0)
    if (from !== 0 && from < this.store.compacted) {
      response.end(line('ERROR', status(410, 'Expired', `too old resource version: ${from}`)))
      return
    }
    const watcher: Watcher = { response, last: '', stop: () => undefined }
    const send = (event: StoredEvent) => {
      // as the real one: an event at or before the asked place never comes, though the place may be in the future
      if (event.collection !== url.pathname || !selects(url, event.object) || event.revision <= from) return
      watcher.last = line(event.type, event.object)
      response.write(watcher.last)
    }
    if (from === 0) for (const object of this.selected(url)) response.write(line('ADDED', object))
    else for (const event of this.store.since(url.pathname, from)) send(event)
    if (initial && this.options.watchList !== 'ignore') this.bookmark(watcher, { 'k8s.io/initial-events-end': 'true' })
    watcher.stop = this.store.listen(send)
    this.watchers.add(watcher)
    response.on('close', () => {
      watcher.stop()
      this.watchers.delete(watcher)
    })
  }
}

function selects(url: URL, object: KubeObject): boolean {
  const [path = '', wanted = ''] = (url.searchParams.get('fieldSelector') ?? '').split('=')
  if (path === '') return true
  const value = path.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], object)
  return String(value ?? '') === wanted
}

function status(code: number, reason: string, message: string) {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
}

function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`
}

function answer(response: http.ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
