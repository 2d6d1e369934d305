/** The pages of a unix-server on a TCP port, for kubelets and for Prometheus. */
import http from 'node:http'
import { answerPage, type Pages, type UnixServer } from './unix-server.ts'

/** `host` '' is every address of both families. @throws {Error} when the port cannot be opened */
export async function servePort(
  { host, port }: { readonly host: string; readonly port: number },
  pages: Pages,
): Promise<UnixServer> {
  const server = http.createServer((request, response) => answerPage(request, response, pages))
  server.requestTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host === '' ? {} : { host }) }, resolve)
  })
  server.unref()
  return {
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
