/** Connections of a user into a pod: `kubectl port-forward`. */
import type { Duplex } from 'node:stream'
import { connectInNetns } from '../../../linux/netns.ts'
import { type SpdyStream, serveSpdy } from './spdy-connection.ts'

/**
 * Serves the connections of one client until it leaves. For each the client opens two streams with one request id: `error`, on
 * which a failure is told, and `data`. `netns` is the file of the pod's network namespace.
 * Source: client-go tools/portforward, kubelet pkg/kubelet/cri/streaming/portforward/httpstream.go.
 */
export async function servePortForward(transport: Duplex, netns: string): Promise<void> {
  const waiting = new Map<string, SpdyStream>()
  await serveSpdy(transport, (stream) => {
    const id = stream.headers.get('requestid') ?? ''
    const other = waiting.get(id)
    if (other === undefined) return void waiting.set(id, stream)
    waiting.delete(id)
    const [data, error] = stream.headers.get('streamtype') === 'data' ? [stream, other] : [other, stream]
    void forward(netns, data, error)
  })
}

async function forward(netns: string, data: SpdyStream, error: SpdyStream): Promise<void> {
  const port = Number(data.headers.get('port'))
  const fail = (reason: string): void => {
    error.end(`error forwarding port ${port} to pod: ${reason}`)
    data.destroy()
  }
  error.resume()
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return fail('it is no port number')
  const socket = await connectInNetns(netns, '127.0.0.1', port)
    .catch(() => connectInNetns(netns, '::1', port))
    .catch((reason: unknown) => (reason instanceof Error ? reason.message : String(reason)))
  if (typeof socket === 'string') return fail(socket)
  socket.on('error', () => data.destroy())
  data.on('error', () => socket.destroy())
  data.on('close', () => socket.destroy())
  socket.on('close', () => {
    if (!data.writableEnded) data.destroy()
    if (!error.writableEnded) error.end()
  })
  data.pipe(socket)
  socket.pipe(data)
}
