/** Sockets: several addresses, in several network namespaces, one handler. */
import { createServer as createHttpServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { listenInNetns } from '../../linux/netns.ts'
import { FairwayError } from '../../model/code.ts'
import { APISERVER_ADDRESS_TAKEN } from '../../model/codes/apiserver.ts'
import type { User } from './review.ts'

/** Where to listen. `netns` is the file of a network namespace; absent for the one that the process runs in. */
export interface ListenAddress {
  readonly address: string
  readonly port: number
  readonly netns?: string
}

/** PEM. Clients are known by certificates of `clientCa`. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
  readonly clientCa: string
}

/** What requests are given to. */
export interface RequestHandler {
  handle(request: IncomingMessage, response: ServerResponse, user: User | undefined): void
  /** Whether a request that asks for an upgrade may have it: its connection is then the handler's, whole, at `response.socket`. */
  upgrades(request: IncomingMessage): boolean
}

/** Everyone, where there is no TLS: for tests alone. */
const WITHOUT_TLS: User = { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] }

function userOf(request: IncomingMessage): User | undefined {
  const socket = request.socket as TLSSocket
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  const organisations: readonly string[] = [subject?.O ?? []].flat()
  const name = [subject?.CN ?? ''].flat()[0] ?? ''
  return name === '' ? undefined : { name, groups: [...organisations, 'system:authenticated'] }
}

function makeServer(tls: ServerTls | undefined, handler: RequestHandler): Server {
  const shouldUpgradeCallback = (request: IncomingMessage): boolean => handler.upgrades(request)
  const server =
    tls === undefined
      ? createHttpServer({ shouldUpgradeCallback })
      : createHttpsServer({
          cert: tls.cert,
          key: tls.key,
          ca: tls.clientCa,
          requestCert: true,
          rejectUnauthorized: false,
          ALPNProtocols: ['http/1.1'],
          shouldUpgradeCallback,
        })
  const user = tls === undefined ? () => WITHOUT_TLS : userOf
  server.on('request', (request, response) => handler.handle(request, response, user(request)))
  server.on('upgrade', (request, socket, head) => {
    if (head.length > 0) socket.unshift(head)
    handler.handle(request, responseOn(request, socket as Socket), user(request))
  })
  server.requestTimeout = 0
  server.keepAliveTimeout = 90_000
  return server
}

/** For answers without an upgrade after all: the connection ends with them. */
function responseOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  socket.on('error', () => socket.destroy())
  response.on('finish', () => {
    response.detachSocket(socket)
    socket.end()
  })
  return response
}

/**
 * Listens; resolves with the address in use (port 0 becomes a free one).
 * @throws {FairwayError} APISERVER_ADDRESS_TAKEN
 */
export async function listen(
  where: ListenAddress,
  tls: ServerTls | undefined,
  handler: RequestHandler,
): Promise<{ readonly server: Server; readonly address: AddressInfo }> {
  const server = makeServer(tls, handler)
  const ready = Promise.withResolvers<void>()
  server.once('listening', ready.resolve)
  server.once('error', (cause) => ready.reject(taken(where, cause)))
  try {
    if (where.netns === undefined) server.listen({ host: where.address, port: where.port, exclusive: true })
    else server.listen({ fd: listenInNetns(where.netns, where.address, where.port) })
  } catch (cause) {
    throw taken(where, cause as NodeJS.ErrnoException)
  }
  await ready.promise
  return { server, address: server.address() as AddressInfo }
}

function taken(where: ListenAddress, cause: NodeJS.ErrnoException): FairwayError {
  const place = `${where.address.includes(':') ? `[${where.address}]` : where.address}:${where.port}`
  const inside = where.netns === undefined ? '' : ` in ${where.netns}`
  const why =
    cause.code === 'EADDRINUSE'
      ? 'another process listens there'
      : cause.code === 'EADDRNOTAVAIL'
        ? 'the address is not on this host'
        : cause.message
  return new FairwayError(APISERVER_ADDRESS_TAKEN, `the API server cannot listen on ${place}${inside}: ${why}`, {
    field: '--listen',
    cause,
  })
}

/** Ends a server at once, open connections included. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
