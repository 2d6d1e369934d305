/** Logs: handed through from the kubelet of the pod's node, as a real API server does. */
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import type { Node, Pod } from '../../kube/types.ts'
import { ApiError, badRequest, internal } from './status.ts'
import type { ProxyRequest } from './subresource.ts'

/** The credentials that kubelets know the API server by, PEM. */
export interface KubeletClient {
  readonly cert: string
  readonly key: string
  readonly ca: string
  /** The kubelets' port; 10250 unless a node says otherwise. */
  readonly port: number
}

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

function containerOf(pod: Pod, asked: string | null): string {
  const names = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map((container) => container.name)
  const main = (pod.spec?.containers ?? []).map((container) => container.name)
  const { name } = pod.metadata
  if (asked === null || asked === '') {
    const [only] = main
    if (main.length === 1 && only !== undefined) return only
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]`)
  }
  if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`)
  return asked
}

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
  if (kubelet === undefined)
    throw internal('no client certificate for kubelets is configured: set --kubelet-client-cert and --kubelet-client-key')
  const node = writer.store.get('nodes', `/${nodeName}`)?.object as unknown as Node | undefined
  const address = node?.status?.addresses?.find((candidate) => candidate.type === 'InternalIP')?.address
  if (address === undefined) throw internal(`no preferred addresses found; known addresses: [] (node ${nodeName})`)
  const host = address.includes(':') ? `[${address}]` : address
  const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port || kubelet.port
  const parameters = new URLSearchParams(
    PASSED_ON.flatMap((key) => query.getAll(key).map((value): [string, string] => [key, value])),
  )
  const search = parameters.size === 0 ? '' : `?${parameters}`
  const path = `/containerLogs/${pod.metadata.namespace}/${name}/${container}${search}`
  await passThrough(proxy, `https://${host}:${port}${path}`, {
    host: address,
    port,
    path,
    cert: kubelet.cert,
    key: kubelet.key,
    ca: kubelet.ca,
  })
}

async function passThrough(proxy: ProxyRequest, url: string, options: RequestOptions): Promise<void> {
  const { response, name } = proxy
  const abort = new AbortController()
  response.on('close', () => abort.abort())
  const upstream = await new Promise<IncomingMessage>((resolve, reject) => {
    httpsRequest({ ...options, agent: false, signal: abort.signal }, resolve)
      .on('error', (error) => reject(internal(`Get "${url}": ${dialError(error, options)}`)))
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

/** In the words of Go's dialer, where they are known. */
function dialError(error: NodeJS.ErrnoException, options: RequestOptions): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  }
  const reason = reasons[error.code ?? '']
  return reason === undefined ? error.message : `dial tcp ${options.host}:${options.port}: ${reason}`
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
