/** An HTTP/1.1 client on node:http(s): a keep-alive pool, time limits, and errors that say whether the request was sent. */
import { addAbortListener } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'

/** PEM texts; `serverName` is what the server's certificate must be for, when that is not the host of the URL. */
export interface TlsOptions {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
  readonly insecure?: boolean
}

export interface HttpRequest {
  readonly method: string
  /** With `socketPath`, only path and query count. */
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly tls?: TlsOptions
  readonly socketPath?: string
  readonly signal?: AbortSignal
  /** Time until the head of the answer is there; 30 s by default. The body is the caller's to time. */
  readonly timeoutInMs?: number
}

/** The head of an answer; `body` must be read to its end or destroyed, as it holds a connection. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Readable
}

export type TransportFailure = 'unreachable' | 'untrusted' | 'timeout' | 'broken' | 'aborted'

/** No answer came. `sent` says whether the server may have seen the request, hence whether repeating it is harmless. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly failure: TransportFailure
  readonly sent: boolean

  constructor(failure: TransportFailure, sent: boolean, message: string, cause?: unknown) {
    super(message, { cause })
    this.failure = failure
    this.sent = sent
  }
}

const HEAD_TIMEOUT_IN_MS = 30_000
/** A dead peer is noticed by TCP itself: first probe after this long, then one a second, ten of them (libuv). */
const KEEP_ALIVE_PROBE_IN_MS = 15_000
const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_SSL_)/
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EACCES',
])

export interface HttpClientOptions {
  /** `http://host:port` of a proxy to go through. */
  readonly proxy?: string
}

export interface HttpClient {
  /** Sends one request; any status is an answer. @throws {TransportError} */
  request(request: HttpRequest): Promise<HttpAnswer>
  /** Closes every connection, idle or not. */
  close(): void
}

/** A client with a pool of its own. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const proxyEnv = options.proxy === undefined ? undefined : { HTTPS_PROXY: options.proxy, HTTP_PROXY: options.proxy }
  const pool = {
    keepAlive: true,
    keepAliveMsecs: KEEP_ALIVE_PROBE_IN_MS,
    maxFreeSockets: 8,
    scheduling: 'lifo' as const,
    proxyEnv,
  }
  const plain = new http.Agent(pool)
  const secure = new https.Agent(pool)
  return {
    request: (request) => send(request, request.url.protocol === 'https:' ? secure : plain),
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

function send(request: HttpRequest, agent: http.Agent): Promise<HttpAnswer> {
  const { method, url, body, socketPath } = request
  if (request.signal?.aborted) return Promise.reject(new TransportError('aborted', false, 'the request was cancelled'))
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { ...request.headers }
    if (body !== undefined) headers['content-length'] = Buffer.byteLength(body)
    const target = socketPath === undefined ? hostOf(url) : { socketPath, path: url.pathname + url.search }
    const options = { ...target, ...tlsOf(request.tls), method, headers, agent }
    const sending = url.protocol === 'https:' ? https.request(options) : http.request(options)
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      sending.destroy()
    }, request.timeoutInMs ?? HEAD_TIMEOUT_IN_MS)
    endWith(sending, request.signal)
    sending.on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_PROBE_IN_MS).setNoDelay(true))
    sending.on('response', (answer) => {
      clearTimeout(timer)
      answer.on('error', () => undefined) // whoever reads the body hears of it; a body that nobody reads has nobody to tell
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer })
    })
    sending.on('error', (error) => {
      clearTimeout(timer)
      reject(timedOut ? timeout(request, sending) : transportError(error, sending))
    })
    sending.end(body)
  })
}

/**
 * Ends the request by its signal, or the answer once its head is there. Node's own option always destroys the request: where the
 * whole answer has come and is not read to its end, that destroys a connection whose errors nobody hears any more, which is uncaught.
 */
function endWith(sending: http.ClientRequest, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  let begun: { destroy(error: Error): unknown } = sending
  const listener = addAbortListener(signal, () => {
    const error = new Error('the request was cancelled')
    error.name = 'AbortError'
    begun.destroy(error)
  })
  sending.once('response', (answer) => {
    begun = answer
  })
  sending.once('close', () => listener[Symbol.dispose]())
}

function hostOf(url: URL) {
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  return { hostname, port: url.port, path: url.pathname + url.search }
}

function tlsOf(tls: TlsOptions | undefined): https.RequestOptions {
  if (tls === undefined) return {}
  const { ca, cert, key, serverName, insecure } = tls
  return { ca, cert, key, ...(serverName ? { servername: serverName } : {}), ...(insecure ? { rejectUnauthorized: false } : {}) }
}

function timeout(request: HttpRequest, sending: http.ClientRequest): TransportError {
  const seconds = (request.timeoutInMs ?? HEAD_TIMEOUT_IN_MS) / 1000
  return new TransportError('timeout', wasSent(sending), `no answer within ${seconds} s`)
}

function transportError(error: NodeJS.ErrnoException, sending: http.ClientRequest): TransportError {
  const code = error.code ?? ''
  if (error.name === 'AbortError') return new TransportError('aborted', wasSent(sending), 'the request was cancelled', error)
  if (UNTRUSTED.test(code)) return new TransportError('untrusted', false, error.message, error)
  // several addresses tried (Happy Eyeballs) give an AggregateError with an empty message
  const message = error.message || code || 'the connection failed'
  if (UNREACHABLE.has(code)) return new TransportError('unreachable', false, message, error)
  return new TransportError('broken', wasSent(sending), message, error)
}

/** Whether a byte of the request may have left: a socket was there, and it was connected. */
function wasSent(sending: http.ClientRequest): boolean {
  return sending.socket !== null && sending.socket !== undefined && !sending.socket.connecting
}

/** Reads a body to its end as text. @throws {TransportError} when the connection breaks or `limitInMs` passes */
export async function readText(body: Readable, limitInMs = HEAD_TIMEOUT_IN_MS): Promise<string> {
  const timer = setTimeout(() => body.destroy(new Error(`the answer did not end within ${limitInMs / 1000} s`)), limitInMs)
  const chunks: Buffer[] = []
  try {
    for await (const chunk of body) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString()
  } catch (error) {
    throw new TransportError('broken', true, error instanceof Error ? error.message : String(error), error)
  } finally {
    clearTimeout(timer)
  }
}
