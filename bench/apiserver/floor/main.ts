/**
 * The peer of the API server's benchmark: the bare cost of what no server like it can leave out. TLS with client certificates, JSON
 * read and written, one sqlite transaction a write, each change to every watcher; no schemas, defaults, validation, versions.
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { parseArgs } from 'node:util'
import { Database } from '../../../src/lab/apiserver/database.ts'

const TEXT = { type: 'string' } as const
const { values } = parseArgs({
  options: { dir: TEXT, listen: TEXT, 'tls-cert': TEXT, 'tls-key': TEXT, 'client-ca': TEXT },
  strict: false,
})
const text = (name: string): string => String(values[name])
const read = (name: string): string => readFileSync(text(name), 'utf8')

interface Row {
  metadata: { name: string; resourceVersion?: string }
}

const database = new Database(`${text('dir')}/store.sqlite`)
const rows = new Map<string, string>()
const watchers = new Set<ServerResponse>()
let version = 1

function write(path: string, body: Row, response: ServerResponse): void {
  const created = body.metadata?.name !== undefined
  const key = created ? `${path}/${body.metadata.name}` : path.replace(/\/status$/, '')
  const old = rows.get(key)
  const object: Row = old === undefined ? body : { ...(JSON.parse(old) as Row), ...body }
  version += 1
  object.metadata = {
    ...(old === undefined ? body.metadata : (JSON.parse(old) as Row).metadata),
    resourceVersion: String(version),
  }
  const json = JSON.stringify(object)
  database.put({ resource: 'floor', key, version, json })
  rows.set(key, json)
  const line = Buffer.from(`{"type":"${created ? 'ADDED' : 'MODIFIED'}","object":${json}}\n`)
  for (const watcher of watchers) watcher.write(line)
  response.writeHead(created ? 201 : 200, { 'content-type': 'application/json' }).end(json)
}

function get(url: URL, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  if (url.searchParams.has('watch')) {
    response.flushHeaders()
    watchers.add(response)
    response.on('close', () => watchers.delete(response))
    return
  }
  const limit = Number(url.searchParams.get('limit') ?? Number.POSITIVE_INFINITY)
  const kind = url.pathname.split('/').at(-1)
  const items = [...rows].filter(([key]) => key.includes(`/${kind}/`)).slice(0, limit)
  response.end(`{"metadata":{"resourceVersion":"${version}"},"items":[${items.map(([, json]) => json).join(',')}]}`)
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://floor')
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  if (request.method === 'GET') get(url, response)
  else write(url.pathname, JSON.parse(Buffer.concat(chunks).toString()) as Row, response)
}

const tls = { cert: read('tls-cert'), key: read('tls-key'), ca: read('client-ca'), requestCert: true, rejectUnauthorized: true }
const [host = '', port = ''] = text('listen').split(':')
createServer(tls, (request, response) => void handle(request, response)).listen(Number(port), host)
