/** What servers of `protocol-servers.ts` there are, and what `protocol-client.ts` is asked. */
/** What `protocol-servers.ts` has: the first one at 10.5.0.1 and 10.5.1.1. */
export const PROTOCOL_SERVERS = ['http', 'https', 'h2c', 'h2', 'proxy1', 'proxy2', 'proxy-tls', 'dying'] as const

export interface Ask {
  /** `tcp`: bytes; `websocket`: over HTTP/1.1; `many`: `count` requests, whose statuses are counted. */
  readonly way: 'http2' | 'tcp' | 'websocket' | 'many'
  readonly host: string
  readonly isTls?: boolean
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** `tcp`: said first, in hexadecimal digits, before any TLS. */
  readonly before?: string
  /** `tcp`: so many characters are waited for; 0: the end. */
  readonly upTo?: number
  readonly count?: number
}

export interface Answer {
  status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  body: string
  readonly trailers: Readonly<Record<string, string | undefined>>
  error: string
}

/** Where a server is, in the first of two networks or in the second. */
export function addressOf(name: (typeof PROTOCOL_SERVERS)[number], network: 0 | 1 = 0): string {
  return `10.5.${network}.${PROTOCOL_SERVERS.indexOf(name) + 1}`
}
