/** A small read-only HTTP server on a unix socket, and a client for it. */
import { rmSync } from 'node:fs'
import http from 'node:http'
import { createHttpClient, readText } from './client.ts'

export interface Page {
  readonly status?: number
  readonly type: string
  readonly text: string
}

/** By exact path; told the query, with its `?`, or ''. */
export type Pages = Readonly<Record<string, (query: string) => Page | Promise<Page>>>

export interface UnixServer {
  /** Stops and removes the socket. */
  close(): Promise<void>
}

/** A page of JSON. */
export function json(value: unknown, status = 200): Page {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` }
}

/**
 * Serves GET of `pages` to the owner of the socket's file alone. A file that is there is replaced.
 * @throws {Error} when the socket cannot be made
 */
export async function serveUnix(path: string, pages: Pages): Promise<UnixServer> {
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
export function answerPage(request: http.IncomingMessage, response: http.ServerResponse, pages: Pages): void {
  const isHead = request.method === 'HEAD'
  void answer(request, pages).then(({ status = 200, type, text }) =>
    response.writeHead(status, { 'content-type': type }).end(isHead ? undefined : text),
  )
}

async function answer({ url = '/', method }: http.IncomingMessage, pages: Pages): Promise<Page> {
  const [path = ''] = url.split('?')
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (page === undefined) return json({ error: `there is no ${path}; there are ${Object.keys(pages).join(', ')}` }, 404)
  if (method !== 'GET' && method !== 'HEAD') return json({ error: 'only GET is served' }, 405)
  try {
    return await page(url.slice(path.length))
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
