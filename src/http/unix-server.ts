/** A small read-only HTTP server on a unix socket, and a client for it. */
import { rmSync } from 'node:fs'
import http from 'node:http'
import { createHttpClient, readText } from './client.ts'

export interface Page {
  readonly status?: number
  readonly type: string
  readonly text: string
}

export interface UnixServer {
  /** Stops and removes the socket. */
  close(): Promise<void>
}

/** A page of JSON. */
export function json(value: unknown, status = 200): Page {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` }
}

/**
 * Serves GET of `pages` (by exact path) to the owner of the socket's file alone. A file that is there is replaced.
 * @throws {Error} when the socket cannot be made
 */
export async function serveUnix(path: string, pages: Readonly<Record<string, () => Page>>): Promise<UnixServer> {
  rmSync(path, { force: true })
  const server = http.createServer((request, response) => answerPage(request, response, pages))
  const umask = process.umask(0o177)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
    process.umask(umask)
  })
  server.unref()
  return {
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** Answers one request with the page that it asks for. */
export function answerPage(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  pages: Readonly<Record<string, () => Page>>,
): void {
  const page = answer(request, pages)
  response.writeHead(page.status ?? 200, { 'content-type': page.type }).end(request.method === 'HEAD' ? undefined : page.text)
}

function answer(request: http.IncomingMessage, pages: Readonly<Record<string, () => Page>>): Page {
  const path = (request.url ?? '/').split('?')[0] ?? '/'
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (page === undefined) return json({ error: `there is no ${path}; there are ${Object.keys(pages).join(', ')}` }, 404)
  if (request.method !== 'GET' && request.method !== 'HEAD') return json({ error: 'only GET is served' }, 405)
  try {
    return page()
  } catch (error) {
    return json({ error: error instanceof Error ? error.message : String(error) }, 500)
  }
}

/** Asks a server of this kind. @throws {TransportError} when nobody listens or no answer comes in time (2 s) */
export async function askUnix(socketPath: string, path: string): Promise<{ readonly status: number; readonly text: string }> {
  const client = createHttpClient()
  try {
    const answered = await client.request({
      method: 'GET',
      url: new URL(`http://localhost${path}`),
      socketPath,
      timeoutInMs: 2_000,
    })
    return { status: answered.status, text: await readText(answered.body, 2_000) }
  } finally {
    client.close()
  }
}
