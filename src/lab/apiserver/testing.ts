/** For tests: a server on a free loopback port over plain HTTP, its store in a folder that goes with it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningServer, type ServerOptions, startServer } from './start.ts'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: bodies are compared as they are, field by field
  readonly body: any
}

export interface CallOptions {
  readonly type?: string
  readonly accept?: string
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly server: RunningServer
  /** One request; a body that is no string goes as JSON, an answer that is JSON comes parsed. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answered>
  /** A watch, as the events that came until it ended. */
  watch(path: string, accept?: string): AsyncGenerator<WatchEvent>
}

export interface WatchEvent {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly object: any
}

/** Starts a server; ends it, and removes its store, when disposed of. */
export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'fwt-apiserver-')))
  const server = await startServer({
    dir,
    listen: [{ address: '127.0.0.1', port: 0 }],
    serviceRanges: ['10.96.0.0/12'],
    advertise: { address: '192.168.7.10', port: 16443 },
    ...options,
  })
  const [address] = server.addresses
  const url = `http://127.0.0.1:${address?.port}`
  return {
    url,
    server,
    call: (method, path, body, call) => callServer(`${url}${path}`, method, body, call ?? {}),
    watch: (path, accept) => watchServer(`${url}${path}`, accept ?? 'application/json'),
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

async function callServer(url: string, method: string, body: unknown, options: CallOptions): Promise<Answered> {
  const headers: Record<string, string> = { accept: options.accept ?? 'application/json', 'user-agent': '' }
  if (body !== undefined) headers['content-type'] = options.type ?? 'application/json'
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, { method, headers, body: text })
  const answer = await response.text()
  const json = response.headers.get('content-type')?.startsWith('application/json')
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(answer) : answer }
}

async function* watchServer(url: string, accept: string): AsyncGenerator<WatchEvent> {
  const abort = new AbortController()
  const response = await fetch(url, { headers: { accept }, signal: abort.signal })
  try {
    let rest = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line) as WatchEvent
    }
  } finally {
    abort.abort()
  }
}
