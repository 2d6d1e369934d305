/** A small Kubernetes API in memory, for tests of clients that write: what they need of list, watch, merge patch and deletion. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KubeObject } from '../../../src/kube/types.ts'
import { withNetns } from '../../../src/linux/netns.ts'

type Json = Record<string, unknown>
type Stored = KubeObject & Json & { metadata: Json }

interface Place {
  readonly plural: string
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

interface Watcher {
  readonly plural: string
  readonly namespace: string
  readonly matches: (object: Stored) => boolean
  readonly response: ServerResponse
}

interface Waiter {
  readonly matches: () => boolean
  readonly resolve: () => void
}

export class FakeApi {
  readonly #objects = new Map<string, Stored>()
  readonly #watchers = new Set<Watcher>()
  readonly #waiters = new Set<Waiter>()
  readonly #server: Server
  #version = 100

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  /** Listens on a port inside a namespace, or on loopback here; returns the server's address as seen there. */
  async listen(netns = ''): Promise<string> {
    const listening = new Promise<void>((resolve) => this.#server.once('listening', () => resolve()))
    if (netns === '') this.#server.listen(0, '127.0.0.1')
    // without a host: a named one is looked up first, and the socket made at home
    else withNetns(netns, () => this.#server.listen(0))
    await listening
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    for (const { response } of this.#watchers) response.destroy()
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get(plural: string, namespace: string, name: string): Stored | undefined {
    return this.#objects.get(`${plural}/${namespace}/${name}`)
  }

  list(plural: string): readonly Stored[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${plural}/`)).map(([, object]) => object)
  }

  /** As a user would: POST. */
  create(plural: string, object: KubeObject): Stored {
    const { namespace = '', generateName } = object.metadata
    const name = object.metadata.name ?? `${generateName}${this.#version.toString(36)}`
    const metadata = { uid: crypto.randomUUID(), creationTimestamp: new Date().toISOString(), ...object.metadata, name }
    return this.#put('ADDED', { plural, namespace, name, subresource: '' }, { ...object, metadata } as Stored)
  }

  /** As a user would: PUT. */
  replace(plural: string, object: KubeObject): void {
    const { namespace = '', name = '' } = object.metadata
    this.#put('MODIFIED', { plural, namespace, name, subresource: '' }, object as Stored)
  }

  /** As a user would: DELETE with a grace period. */
  remove(plural: string, namespace: string, name: string, graceInS: number): void {
    const object = this.get(plural, namespace, name)
    if (object === undefined) return
    const place = { plural, namespace, name, subresource: '' }
    if (graceInS === 0 || plural !== 'pods') {
      this.#objects.delete(`${plural}/${namespace}/${name}`)
      this.#tell('DELETED', place, { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } })
      return
    }
    const metadata = { ...object.metadata, deletionTimestamp: new Date().toISOString(), deletionGracePeriodSeconds: graceInS }
    this.#put('MODIFIED', place, { ...object, metadata })
  }

  /** Resolves as soon as something is true of the stored objects. */
  until(matches: () => boolean, what: string, timeoutInMs = 20_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(
              `waited in vain: ${what}; pods: ${JSON.stringify(this.list('pods'))}; events: ${this.messages().join(' | ')}`,
            ),
          ),
        timeoutInMs,
      )
      const waiter = {
        matches,
        resolve: () => {
          clearTimeout(timer)
          resolve()
        },
      }
      this.#waiters.add(waiter)
      this.#wake()
    })
  }

  /** `reason: message` of every Event. */
  messages(): readonly string[] {
    return this.list('events').map((event) => `${String(event.reason)}: ${String(event.message)}`)
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.matches()) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  #put(type: string, place: Place, object: Stored): Stored {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
    this.#objects.set(`${place.plural}/${place.namespace}/${place.name}`, stored)
    this.#tell(type, place, stored)
    return stored
  }

  #tell(type: string, place: Place, object: Stored): void {
    for (const watcher of this.#watchers) {
      if (watcher.plural !== place.plural || (watcher.namespace !== '' && watcher.namespace !== place.namespace)) continue
      if (watcher.matches(object)) watcher.response.write(`${JSON.stringify({ type, object })}\n`)
    }
    this.#wake()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://api')
    const place = placeOf(url.pathname)
    const text = await readAll(request)
    const body = (text === '' ? {} : JSON.parse(text)) as Json
    if (request.method === 'GET' && place.name === '') return void this.#collection(place, url.searchParams, response)
    const there = this.get(place.plural, place.namespace, place.name)
    if (request.method === 'POST') return void this.#post(place, body, response)
    if (there === undefined) return void send(response, 404, status(404, 'NotFound', `${place.plural} "${place.name}" not found`))
    if (request.method === 'GET') return void send(response, 200, there)
    const wantedUid = (body.metadata as Json | undefined)?.uid ?? (body.preconditions as Json | undefined)?.uid
    if (wantedUid !== undefined && wantedUid !== there.metadata.uid)
      return void send(response, 409, status(409, 'Conflict', 'the uid differs'))
    if (request.method === 'DELETE') {
      this.remove(place.plural, place.namespace, place.name, Number(body.gracePeriodSeconds ?? 30))
      return send(response, 200, there)
    }
    const next = request.method === 'PUT' ? body : mergePatch(there, body)
    send(response, 200, this.#put('MODIFIED', place, next as Stored))
  }

  #post(place: Place, body: Json, response: ServerResponse): void {
    if (place.subresource === 'binding') {
      const pod = this.get('pods', place.namespace, place.name)
      if (pod === undefined) return void send(response, 404, status(404, 'NotFound', 'no such pod'))
      const nodeName = (body.target as Json).name
      this.#put('MODIFIED', { ...place, subresource: '' }, { ...pod, spec: { ...(pod.spec as Json), nodeName } })
      return void send(response, 201, status(201, '', ''))
    }
    const object = body as unknown as KubeObject
    if (this.get(place.plural, place.namespace, object.metadata.name ?? '') !== undefined)
      return void send(response, 409, status(409, 'AlreadyExists', 'it exists'))
    send(
      response,
      201,
      this.create(place.plural, {
        ...object,
        metadata: { ...object.metadata, ...(place.namespace === '' ? {} : { namespace: place.namespace }) },
      }),
    )
  }

  #collection(place: Place, query: URLSearchParams, response: ServerResponse): void {
    const matches = matcher(query)
    const objects = this.list(place.plural).filter(
      (object) => matches(object) && (place.namespace === '' || object.metadata.namespace === place.namespace),
    )
    const resourceVersion = String(this.#version)
    if (query.get('watch') !== 'true')
      return void send(response, 200, { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion }, items: objects })
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const object of objects) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    const annotations = { 'k8s.io/initial-events-end': 'true' }
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion, annotations } } })}\n`)
    const watcher = { plural: place.plural, namespace: place.namespace, matches, response }
    this.#watchers.add(watcher)
    response.on('close', () => this.#watchers.delete(watcher))
  }
}

function placeOf(path: string): Place {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .slice(path.startsWith('/apis/') ? 3 : 2)
  const namespaced = parts[0] === 'namespaces' && parts.length > 2
  const [plural = '', name = '', subresource = ''] = namespaced ? parts.slice(2) : parts
  return { plural, namespace: namespaced ? (parts[1] ?? '') : '', name, subresource }
}

/** Equality on labels and on any dotted field. */
function matcher(query: URLSearchParams): (object: Stored) => boolean {
  const pairs = (name: string) =>
    (query.get(name) ?? '')
      .split(',')
      .filter((pair) => pair !== '')
      .map((pair) => pair.split('=', 2) as [string, string])
  const fields = pairs('fieldSelector')
  const labels = pairs('labelSelector')
  return (object) =>
    fields.every(
      ([path, value]) => path.split('.').reduce<unknown>((at, step) => (at as Json | undefined)?.[step], object) === value,
    ) && labels.every(([key, value]) => object.metadata.labels?.[key] === value)
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const merged: Json = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function status(code: number, reason: string, message: string): Json {
  return { kind: 'Status', apiVersion: 'v1', status: code < 300 ? 'Success' : 'Failure', reason, message, code }
}
