/** Requests that leave HTTP: exec, attach and port-forward, by WebSocket or by SPDY/3.1. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import { logger } from '../../log/log.ts'
import type { PodWorker } from './pod-worker.ts'
import type { NodePods } from './pods.ts'
import { runExec } from './stream/exec.ts'
import { type ExecStreams, type ExecWish, spdyStreams, webSocketStreams } from './stream/exec-streams.ts'
import { servePortForward } from './stream/port-forward.ts'

/** The best first. Sources: apimachinery pkg/util/remotecommand, pkg/util/portforward constants.go. */
const EXEC_PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const FORWARD_PROTOCOL = 'portforward.k8s.io'
const TUNNEL_PROTOCOL = `SPDY/3.1+${FORWARD_PROTOCOL}`

const sockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  handleProtocols: (offered) => [...EXEC_PROTOCOLS, TUNNEL_PROTOCOL].find((each) => offered.has(each)) ?? false,
})

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Serves it to its end, or refuses it in the kubelet's words. Never rejects. */
export async function serveUpgrade(pods: NodePods, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  socket.on('error', () => socket.destroy())
  const url = new URL(request.url ?? '/', 'https://kubelet')
  const [, action, namespace = '', name = '', container = '', ...more] = url.pathname.split('/').map(decodeURIComponent)
  const worker = pods.find(namespace, name)
  const upgrade = { request, socket, head }
  try {
    if (more.length > 0 || !['exec', 'attach', 'portForward'].includes(action ?? ''))
      return refuse(socket, 404, '404 page not found')
    if (worker === undefined) return refuse(socket, 404, 'pod does not exist')
    if (action === 'portForward') return await portForward(worker, upgrade)
    const { target, streams } = worker.runners.find(({ status }) => status.name === container) ?? {}
    if (target === undefined || streams === undefined) return refuse(socket, 404, `container not found ("${container}")`)
    const wish = execWish(url.searchParams)
    await serveStreams(wish, upgrade, (client) => (action === 'exec' ? runExec(target, wish, client) : streams.attach(client)))
  } catch (err) {
    logger('kubelet').warn({ err, url: request.url }, 'a stream broke')
    socket.destroy()
  }
}

function execWish(query: URLSearchParams): ExecWish {
  const flag = (name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '')
  const command = query.getAll('command')
  return { command, stdin: flag('input'), stdout: flag('output'), stderr: flag('error'), tty: flag('tty') }
}

async function serveStreams(wish: ExecWish, upgrade: Upgrade, act: (client: ExecStreams) => Promise<void>): Promise<void> {
  const { request, socket, head } = upgrade
  if (isWebSocket(request)) {
    if (!EXEC_PROTOCOLS.some((each) => protocols(request, 'sec-websocket-protocol').includes(each)))
      return refuse(socket, 400, `unable to upgrade: known subprotocols are ${EXEC_PROTOCOLS.join(', ')}`)
    return act(webSocketStreams(await accept(upgrade), wish))
  }
  if (!acceptSpdy(upgrade, 'v4.channel.k8s.io')) return
  if (head.length > 0) socket.unshift(head)
  await act(await spdyStreams(socket, wish))
}

async function portForward(worker: PodWorker, upgrade: Upgrade): Promise<void> {
  const { request, socket, head } = upgrade
  if (!worker.runners.some(({ target }) => target !== undefined))
    return refuse(
      socket,
      500,
      `unable to forward port because pod is not running. Current status=${worker.pod.status?.phase ?? ''}`,
    )
  if (isWebSocket(request)) {
    if (!protocols(request, 'sec-websocket-protocol').includes(TUNNEL_PROTOCOL))
      return refuse(socket, 400, `unable to upgrade: the known subprotocol is ${TUNNEL_PROTOCOL}`)
    return servePortForward(createWebSocketStream(await accept(upgrade)), worker.netnsFile)
  }
  if (!acceptSpdy(upgrade, FORWARD_PROTOCOL)) return
  if (head.length > 0) socket.unshift(head)
  await servePortForward(socket, worker.netnsFile)
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket'
}

function protocols(request: IncomingMessage, header: string): readonly string[] {
  const values = [request.headers[header] ?? []].flat()
  return values.flatMap((value) => value.split(',').map((each) => each.trim()))
}

function accept({ request, socket, head }: Upgrade): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('the client left')))
    sockets.handleUpgrade(request, socket, head, resolve)
  })
}

/** Switches to SPDY/3.1; false when it was refused. */
function acceptSpdy({ request, socket }: Upgrade, protocol: string): boolean {
  const refusal =
    request.headers.upgrade?.toLowerCase() === 'spdy/3.1'
      ? protocols(request, 'x-stream-protocol-version').includes(protocol)
        ? ''
        : `unable to upgrade: the known protocol is ${protocol}`
      : 'unable to upgrade: known are websocket and SPDY/3.1'
  if (refusal !== '') {
    refuse(socket, 403, refusal)
    return false
  }
  const lines = ['Connection: Upgrade', 'Upgrade: SPDY/3.1', `X-Stream-Protocol-Version: ${protocol}`]
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
  return true
}

function refuse(socket: Duplex, code: number, message: string): void {
  const head = `HTTP/1.1 ${code} Refused\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(message)}`
  socket.end(`${head}\r\nconnection: close\r\n\r\n${message}`)
}
