/** Logs: handed through from the kubelet of the pod's node, as a real API server does. */
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Pod } from '../../kube/types.ts'
import { containerOf, dialError, type KubeletAddress, type KubeletClient, kubeletOf } from './kubelet-address.ts'
import { ApiError, badRequest, internal } from './status.ts'
import type { ProxyRequest } from './subresource.ts'

const PASSED_ON: readonly string[] = [
  'follow',
  'tailLines',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'previous',
  'limitBytes',
  'stream',
]

/** Serves GET .../log. @throws {ApiError} before the first byte */
export async function servePodLog(proxy: ProxyRequest, kubelet: KubeletClient | undefined): Promise<void> {
  const { writer, place, name, query, response } = proxy
  const pod = writer.get(place, name).object as unknown as Pod
  const container = containerOf(pod, query.get('container'))
  const nodeName = pod.spec?.nodeName ?? ''
  if (nodeName === '') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end()
    return
  }
  const address = kubeletOf(writer, nodeName, kubelet)
  const parameters = new URLSearchParams(
    PASSED_ON.flatMap((key) => query.getAll(key).map((value): [string, string] => [key, value])),
  )
  const search = parameters.size === 0 ? '' : `?${parameters}`
  const path = `/containerLogs/${pod.metadata.namespace}/${name}/${container}${search}`
  await passThrough(proxy, address, path)
}

async function passThrough(proxy: ProxyRequest, address: KubeletAddress, path: string): Promise<void> {
  const { origin, ...options } = address
  const { response, name } = proxy
  const abort = new AbortController()
  response.on('close', () => abort.abort())
  const upstream = await new Promise<IncomingMessage>((resolve, reject) => {
    httpsRequest({ ...options, path, agent: false, signal: abort.signal }, resolve)
      .on('error', (error) => reject(internal(`Get "${origin}${path}": ${dialError(error, address)}`)))
      .end()
  })
  if (upstream.statusCode !== 200) throw await kubeletError(upstream, name)
  response.writeHead(200, {
    'content-type': upstream.headers['content-type'] ?? 'text/plain',
    'cache-control': 'no-cache, private',
  })
  response.flushHeaders()
  upstream.on('error', () => response.destroy())
  upstream.pipe(response)
}

async function kubeletError(upstream: IncomingMessage, name: string): Promise<ApiError> {
  const chunks: Buffer[] = []
  for await (const chunk of upstream as AsyncIterable<Buffer>) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString().trim()
  const code = upstream.statusCode ?? 500
  if (code === 400) return badRequest(text)
  const message =
    code === 404
      ? `the server could not find the requested resource ( pods/log ${name})`
      : `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding ( pods/log ${name})`
  const reason = code === 404 ? 'NotFound' : 'InternalError'
  const details = { name, kind: 'pods/log', causes: [{ reason: 'UnexpectedServerResponse', message: text }] }
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code })
}
