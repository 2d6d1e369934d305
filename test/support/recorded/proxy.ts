/** Listens in between kubectl and a server: what went over the wire, as a recording has it. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Exchange } from './recording.ts'

export interface RecordingProxy extends AsyncDisposable {
  readonly url: string
  /** What was heard since the last call, in the order of the requests. */
  take(): readonly Exchange[]
}

type Heard = { -readonly [Field in keyof Exchange]: Exchange[Field] }

/** Starts a proxy on a free loopback port in front of `target` (plain HTTP); `onAnswer` hears of each request once its answer begins. */
export async function startProxy(target: string, onAnswer: (exchange: Exchange) => void): Promise<RecordingProxy> {
  let heard: Heard[] = []
  const server = createServer((request, response) => {
    const exchange = exchangeOf(target, request)
    heard.push(exchange)
    forward(new URL(request.url ?? '/', target), request, response, (answer) => {
      exchange.status = answer.statusCode ?? 0
      onAnswer(exchange)
      return (body) => {
        exchange.body = body
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = heard
      heard = []
      return taken
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function exchangeOf(target: string, request: IncomingMessage): Heard {
  const url = new URL(request.url ?? '/', target)
  const type = request.headers['content-type']
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    ...(type === undefined ? {} : { type }),
  }
}

/** Hears of an answer's head; what it gives back hears of its whole body. */
type Hearing = (answer: IncomingMessage) => (body: unknown) => void

function forward(url: URL, request: IncomingMessage, response: ServerResponse, hear: Hearing): void {
  const onward = httpRequest(url, { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.headers)
    const heardBody = hear(answer)
    const chunks: Buffer[] = []
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('end', () => heardBody(parsed(Buffer.concat(chunks).toString())))
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
