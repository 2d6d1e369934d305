/** A port on which load balancers ask: a small HTTP server on one or several addresses, which is tried again while the port is taken. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HealthAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

export interface HealthServerOptions {
  /** Every address of the machine when empty. */
  readonly addresses: readonly string[]
  /** 0 for any, in tests. */
  readonly port: number
  readonly answer: (path: string) => HealthAnswer
  /** The port could be opened at last, or could not any more. */
  readonly onFailure: () => void
  /** Between two tries; 5 s by default. */
  readonly retryInMs?: number
}

const HEADERS = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }

export class HealthServer {
  private readonly options: HealthServerOptions
  private servers: http.Server[] = []
  private retry: NodeJS.Timeout | undefined
  private closed = false
  private why: NodeJS.ErrnoException | undefined

  constructor(options: HealthServerOptions) {
    this.options = options
    this.open()
  }

  /** Why it does not listen; undefined while it does, or tries for the first time. */
  get failure(): Error | undefined {
    return this.why
  }

  /** Where it listens. */
  get ports(): readonly number[] {
    return this.servers.flatMap((server) => (server.address() as AddressInfo | null)?.port ?? [])
  }

  /** Stops at once, connections included. */
  close(): void {
    this.closed = true
    clearTimeout(this.retry)
    this.shut()
  }

  private shut(): void {
    for (const server of this.servers.splice(0)) {
      server.close()
      server.closeAllConnections()
    }
  }

  private open(): void {
    const { addresses } = this.options
    const opened = addresses.length === 0 ? [this.listenEverywhere()] : addresses.map((address) => this.listen(address))
    Promise.all(opened).then(
      () => this.note(undefined),
      (error: NodeJS.ErrnoException) => {
        if (this.closed) return
        this.shut() // all of the addresses or none, so that the port can change hands
        this.note(error)
        this.retry = setTimeout(() => this.open(), this.options.retryInMs ?? 5_000)
        this.retry.unref()
      },
    )
  }

  /** A kernel without IPv6 has no `::`. */
  private async listenEverywhere(): Promise<void> {
    try {
      await this.listen('::')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
      await this.listen('0.0.0.0')
    }
  }

  private listen(host: string): Promise<void> {
    const server = http.createServer((request, response) => {
      const { status, headers, body } = this.options.answer((request.url ?? '/').split('?')[0] ?? '/')
      response.writeHead(status, { ...HEADERS, ...headers }).end(request.method === 'HEAD' ? undefined : body)
    })
    server.requestTimeout = 10_000
    server.unref()
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: this.options.port }, () => {
        server.removeListener('error', reject)
        server.on('error', () => undefined)
        if (this.closed) server.close()
        else this.servers.push(server)
        resolve()
      })
    })
  }

  private note(error: NodeJS.ErrnoException | undefined): void {
    const changed = (error === undefined) !== (this.why === undefined)
    this.why = error
    if (changed && !this.closed) this.options.onFailure()
  }
}
