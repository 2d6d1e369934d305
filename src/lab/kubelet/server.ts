/** The kubelet's own HTTPS server: logs, pods, exec and port-forward, for the API server's client certificate alone. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { parseLogQuery } from './cri-log.ts'
import { readLog } from './log-file.ts'
import { KUBELET_PORT } from './node-object.ts'
import type { NodePods } from './pods.ts'
import { serveUpgrade } from './upgrade.ts'

export interface ServerFiles {
  readonly tlsCert: string
  readonly tlsKey: string
  readonly clientCA: string
}

/** Listens on every given address. @throws {Error} when a file cannot be read or an address is taken */
export async function startKubeletServer(
  files: ServerFiles,
  addresses: readonly string[],
  pods: NodePods,
  port = KUBELET_PORT,
): Promise<readonly Server[]> {
  const tls = {
    cert: readFileSync(files.tlsCert),
    key: readFileSync(files.tlsKey),
    ca: readFileSync(files.clientCA),
    requestCert: true,
    rejectUnauthorized: true,
  }
  return Promise.all(
    addresses.map(async (host) => {
      const server = createServer(
        tls,
        (request, response) => void answer(pods, request, response).catch(() => response.destroy()),
      )
      server.on('upgrade', (request, socket, head) => void serveUpgrade(pods, request, socket, head))
      server.listen({ host, port })
      await once(server, 'listening')
      return server
    }),
  )
}

async function answer(pods: NodePods, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://kubelet')
  const [, first, namespace = '', name = '', container = '', ...more] = url.pathname.split('/').map(decodeURIComponent)
  if (request.method !== 'GET') return refuse(response, 405, 'only GET is served')
  if (url.pathname === '/healthz') return void response.end('ok')
  if (url.pathname === '/pods' || url.pathname === '/pods/') return sendPods(pods, response)
  if (first === 'containerLogs' && container !== '' && more.length === 0)
    return sendLogs(pods, response, { namespace, name, container, query: url.searchParams })
  return refuse(response, 404, '404 page not found')
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${message}\n`)
}

function sendPods(pods: NodePods, response: ServerResponse): void {
  const items = [...pods.workers.values()].map(({ pod }) => pod)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items }))
}

interface LogRequest {
  readonly namespace: string
  readonly name: string
  readonly container: string
  readonly query: URLSearchParams
}

/** The refusals are the kubelet's own words. Source: kubelet, pkg/kubelet/server/server.go getContainerLogs, kubelet_pods.go. */
async function sendLogs(pods: NodePods, response: ServerResponse, wanted: LogRequest): Promise<void> {
  const { namespace, name, container } = wanted
  const worker = pods.find(namespace, name)
  if (worker === undefined) return refuse(response, 404, `pod "${name}" does not exist`)
  const runner = worker.runners.find(({ status }) => status.name === container)
  if (runner === undefined) return refuse(response, 404, `container "${container}" not found in pod "${name}"`)
  const query = parseLogQuery(wanted.query, Date.now())
  if (typeof query === 'string') return refuse(response, 400, query)
  const { state, lastState } = runner.status
  if (query.previous && lastState?.terminated === undefined)
    return refuse(response, 400, `previous terminated container "${container}" in pod "${name}" not found`)
  if (state?.waiting !== undefined && lastState?.terminated === undefined) {
    const reason =
      state.waiting.reason === 'ErrImagePull' || state.waiting.reason === 'ImagePullBackOff'
        ? 'trying and failing to pull image'
        : state.waiting.reason
    return refuse(response, 400, `container "${container}" in pod "${name}" is waiting to start: ${reason}`)
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  const closed = new AbortController()
  response.on('close', () => closed.abort())
  for await (const text of readLog(runner.log, query, closed.signal)) {
    if (closed.signal.aborted) return
    if (text !== '' && !response.write(text)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.end()
}
