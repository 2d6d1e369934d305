/** exec, attach, port-forward: the connection is handed through to the kubelet of the pod's node, which speaks the protocol. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Pod } from '../../kube/types.ts'
import type { KubeletStream } from './kind.ts'
import { containerOf, dialError, type KubeletAddress, type KubeletClient, kubeletOf } from './kubelet-address.ts'
import { badRequest, internal } from './status.ts'
import type { ProxyRequest } from './subresource.ts'

/** Headers that belong to the client's own connection. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set(['host', 'authorization', 'content-length', 'transfer-encoding'])

/**
 * Serves a request for a stream: dials the kubelet with the client's headers, and after its 101 relays bytes both ways until
 * one side ends or `signal` aborts. Which protocol is upgraded to (SPDY/3.1, WebSocket) is between client and kubelet.
 * @throws {ApiError} 400, 404, 500 before the upgrade
 */
export async function serveStream(
  proxy: ProxyRequest,
  stream: KubeletStream,
  kubelet: KubeletClient | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { writer, place, name, query, request, response } = proxy
  const pod = writer.get(place, name).object as unknown as Pod
  const container = stream.container ? `/${containerOf(pod, query.get('container'))}` : ''
  const nodeName = pod.spec?.nodeName ?? ''
  if (nodeName === '') throw badRequest(`pod ${name} does not have a host assigned`)
  if (request.headers.upgrade === undefined) throw badRequest('Upgrade request required')
  const parameters = kubeletParameters(stream, query)
  const path = `/${stream.path}/${pod.metadata.namespace}/${name}${container}${parameters}`
  await relay(request, response, { ...kubeletOf(writer, nodeName, kubelet), path }, signal)
}

/** The query in the kubelet's names: `input`, where a user of the API says `stdin`. */
function kubeletParameters(stream: KubeletStream, query: URLSearchParams): string {
  const result = new URLSearchParams()
  for (const [name, parameter] of Object.entries(stream.parameters)) {
    const values = query.getAll(name)
    if (!parameter.flag) for (const value of values) result.append(parameter.name, value)
    else if (values[0] === 'true' || values[0] === '1') result.append(parameter.name, '1')
  }
  return result.size === 0 ? '' : `?${result}`
}

/** Names as they were sent, and repeated ones repeated: SPDY clients offer each protocol in a header of its own. */
function passedOn(request: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at, at + 2)
    if (NOT_PASSED_ON.has(name.toLowerCase())) continue
    headers[name] = [...(headers[name] ?? []), value]
  }
  return headers
}

type Location = KubeletAddress & { readonly path: string }

async function relay(request: IncomingMessage, response: ServerResponse, location: Location, signal: AbortSignal): Promise<void> {
  const { origin: _origin, ...options } = location
  const done = Promise.withResolvers<void>()
  const upstream = httpsRequest({ ...options, method: request.method, headers: passedOn(request), agent: false, signal })
  const gone = (): void => void upstream.destroy()
  response.on('close', gone)
  upstream.on('error', (error) => done.reject(internal(`error dialing backend: ${dialError(error, location)}`)))
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 500, { 'content-type': answer.headers['content-type'] ?? 'text/plain' })
    answer.pipe(response)
    answer.on('error', () => response.destroy())
    done.resolve()
  })
  upstream.on('upgrade', (answer, duplex, head) => {
    const far = duplex as Socket // of TLS, as the request is
    response.off('close', gone)
    const near = response.socket
    if (near === null || near.destroyed) far.destroy()
    else {
      response.detachSocket(near)
      near.write(headOf(answer))
      if (head.length > 0) far.unshift(head)
      join(near, far, signal)
    }
    done.resolve()
  })
  upstream.end()
  await done.promise
}

function headOf(answer: IncomingMessage): string {
  const lines: string[] = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`]
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2)
    lines.push(`${answer.rawHeaders[at]}: ${answer.rawHeaders[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Two ends become one connection: bytes as they come, an end as an end, and neither outlives the other. */
function join(near: Socket, far: Socket, signal: AbortSignal): void {
  const both = [near, far]
  const destroy = (): void => {
    for (const socket of both) socket.destroy()
  }
  for (const socket of both) {
    socket.on('error', destroy)
    socket.on('close', () => {
      // what one side said last, such as how a command ended, may still be on its way to the other
      for (const other of both) other.destroySoon()
      signal.removeEventListener('abort', destroy)
    })
    socket.setNoDelay(true)
  }
  signal.addEventListener('abort', destroy, { once: true })
  near.pipe(far)
  far.pipe(near)
}
