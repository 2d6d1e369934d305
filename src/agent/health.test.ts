import http from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { HealthCheckPorts } from './health-check-ports.ts'
import { ProxyHealth } from './proxy-health.ts'

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** Asks anew on a connection of its own; rejects when nobody listens. */
function ask(port: number, path = '/', host = '127.0.0.1'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, path, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    request.on('error', reject)
  })
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2))
}

const answers = (port: number) =>
  ask(port).then(
    () => true,
    () => false,
  )

/** A port that nobody has, as far as the kernel tells now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

function checks() {
  const health = { healthy: true }
  const onFinding = vi.fn()
  const ports = new HealthCheckPorts({ node: 'n1', isHealthy: () => health.healthy, onFinding, retryInMs: 5 })
  closers.push(() => ports.close())
  return { ports, health, onFinding }
}

describe('healthCheckNodePort', () => {
  test('answers as kube-proxy does', async () => {
    const { ports, health } = checks()
    const port = await freePort()
    const check = { service: 'default/web', port, localEndpoints: 2 }
    ports.sync([check], ['127.0.0.1'])
    await until(() => answers(port))
    expect(await ask(port, '/anything')).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': '2',
      },
      body: '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
    })
    ports.sync([{ ...check, localEndpoints: 0 }], ['127.0.0.1'])
    expect((await ask(port)).status).toBe(503)
    ports.sync([check], ['127.0.0.1'])
    health.healthy = false
    expect(await ask(port)).toMatchObject({ status: 503, body: expect.stringContaining('"serviceProxyHealthy": false') })
  })

  test('closes with the Service, and moves with port and addresses', async () => {
    const { ports } = checks()
    const [port, next] = [await freePort(), await freePort()]
    ports.sync([{ service: 'default/web', port, localEndpoints: 1 }], ['127.0.0.1'])
    await until(() => answers(port))
    ports.sync([{ service: 'default/web', port: next, localEndpoints: 1 }], ['127.0.0.1', '127.0.0.2'])
    await until(() => answers(next))
    expect(await answers(port)).toBe(false)
    expect((await ask(next, '/', '127.0.0.2')).status).toBe(200)
    ports.sync([], [])
    expect(await answers(next)).toBe(false)
  })

  test('a port that is taken is a finding, and is opened when it is free; another Service may take it over at once', async () => {
    const { ports, onFinding } = checks()
    const squatter = http.createServer((_, response) => response.writeHead(418).end())
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as AddressInfo
    ports.sync([{ service: 'default/web', port, localEndpoints: 1 }], ['127.0.0.2', '127.0.0.1'])
    await until(() => ports.findings.length > 0)
    expect(ports.findings).toMatchObject([{ code: { code: 'FW0856' }, subjects: ['service/default/web'] }])
    expect(ports.findings[0]?.message).toMatch(/EADDRINUSE/)
    squatter.close()
    squatter.closeAllConnections()
    await until(() => ports.findings.length === 0)
    expect(onFinding).toHaveBeenCalledTimes(2)
    ports.sync([{ service: 'default/other', port, localEndpoints: 1 }], ['127.0.0.2', '127.0.0.1'])
    await until(async () => (await answers(port)) && (await ask(port)).body.includes('other'))
  })
})

describe('the health of the node', () => {
  test.each([
    ['well', true, true, 200, 200],
    ['about to leave', true, false, 503, 200],
    ['stuck', false, true, 503, 503],
  ])('%s', async (_, healthy, staying, healthz, livez) => {
    const health = new ProxyHealth({
      node: 'n1',
      listen: { host: '127.0.0.1', port: 0 },
      isHealthy: () => healthy,
      isStaying: () => staying,
      onFinding: () => undefined,
    })
    closers.push(() => health.close())
    await until(() => health.ports.length === 1)
    const [port = 0] = health.ports
    expect(await ask(port, '/healthz')).toMatchObject({
      status: healthz,
      body: expect.stringContaining(`"nodeEligible":${staying}`),
    })
    expect((await ask(port, '/livez')).status).toBe(livez)
    expect((await ask(port, '/metrics')).status).toBe(404)
  })
})
