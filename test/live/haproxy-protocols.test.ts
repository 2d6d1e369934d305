/** What servers speak, and how they fail, behind a real HAProxy: HTTP/2, gRPC, TLS, WebSockets, the PROXY protocol on either side, timeouts and retries. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import type { EndpointSlice, Service, ServicePort } from '../../src/model/world.ts'
import { anIngress, anIngressWorld, anNginxIngress, aPath, served } from '../support/ingress.ts'
import { type Ask, addressOf, type PROTOCOL_SERVERS } from '../support/protocol-asks.ts'
import { ProtocolRig } from '../support/protocol-rig.ts'
import { type ProxyHeader, proxyHeader } from '../support/proxy-header.ts'
import { anEndpoint } from '../support/world.ts'

type Server = (typeof PROTOCOL_SERVERS)[number]
const rig = new ProtocolRig('protocols')
const edge = new ProtocolRig('edge', { takesProxyProtocol: true })
/** Where nobody listens, and where nobody answers at all. */
const [REFUSED, SILENT] = ['10.5.9.1', '10.5.9.2']
const CERTIFICATE = 'default/fallback'

interface Route {
  readonly name: string
  readonly server: Server
  readonly appProtocol?: string
  readonly proxyProtocol?: string
  /** Annotations of ingress-nginx. */
  readonly said?: Readonly<Record<string, string>>
  readonly others?: readonly string[]
}

const ROUTES: readonly Route[] = [
  { name: 'plain', server: 'http' },
  { name: 'ws', server: 'http', appProtocol: 'kubernetes.io/ws' },
  { name: 'wss', server: 'https', appProtocol: 'kubernetes.io/wss' },
  { name: 'https', server: 'https', appProtocol: 'https' },
  { name: 'h2c', server: 'h2c', appProtocol: 'kubernetes.io/h2c' },
  { name: 'h2', server: 'h2', appProtocol: 'h2' },
  { name: 'proxy1', server: 'proxy1', proxyProtocol: 'v1' },
  { name: 'proxy2', server: 'proxy2', appProtocol: 'h2c', proxyProtocol: 'v2' },
  { name: 'n-http', server: 'http', said: { 'backend-protocol': 'HTTP' } },
  { name: 'n-https', server: 'https', said: { 'backend-protocol': 'HTTPS' } },
  { name: 'n-grpc', server: 'h2c', said: { 'backend-protocol': 'GRPC' } },
  { name: 'n-grpcs', server: 'h2', said: { 'backend-protocol': 'GRPCS' } },
  { name: 'through', server: 'proxy-tls', proxyProtocol: 'v2', said: { 'ssl-passthrough': 'true' } },
  { name: 'dying', server: 'dying', said: { 'proxy-next-upstream': 'error timeout http_502', 'proxy-next-upstream-tries': '2' } },
  { name: 'half', server: 'http', others: [REFUSED] },
  { name: 'half-again', server: 'http', others: [REFUSED], said: { 'proxy-next-upstream-tries': '3' } },
  { name: 'half-least', server: 'http', others: [REFUSED], said: { 'load-balance': 'ewma' } },
  { name: 'half-hash', server: 'http', others: [REFUSED], said: { 'upstream-hash-by': '$request_uri' } },
]

const toHost = ({ name }: Route) => ({ rules: [{ host: `${name}.test`, paths: [aPath('/', name)] }] })

function serviceOf({ name, server, appProtocol, proxyProtocol, others = [] }: Route, address = addressOf(server)) {
  const { service, slice } = served(name, address)
  const ports = service.ports.map((one): ServicePort => ({ ...one, ...(appProtocol === undefined ? {} : { appProtocol }) }))
  const said = proxyProtocol === undefined ? {} : { proxyProtocol }
  const endpoints = [...slice.endpoints, ...others.map((other) => anEndpoint(other))]
  return { service: { ...service, ...said, ports } satisfies Service, slice: { ...slice, endpoints } satisfies EndpointSlice }
}

function silent() {
  const said = { 'proxy-connect-timeout': '1', 'proxy-next-upstream': 'off' }
  return anNginxIngress('silent', said, { rules: [{ host: 'silent.test', paths: [aPath('/', 'silent')] }] })
}

function worldOf(target: ProtocolRig, routes: readonly Route[]) {
  const { chain = '', privateKey = '' } = target.certificate ?? {}
  const ingresses = routes.map((route) =>
    route.said === undefined ? anIngress(route.name, toHost(route)) : anNginxIngress(route.name, route.said, toHost(route)),
  )
  return anIngressWorld({
    ingresses: [...ingresses, silent()],
    services: [...routes.map((route) => serviceOf(route)), served('silent', SILENT)],
    secrets: new Map([[CERTIFICATE, { key: CERTIFICATE, chain, privateKey, problem: '' }]]),
  })
}

beforeAll(async () => {
  await rig.up()
  await edge.up()
  for (const address of [REFUSED, SILENT]) await rig.address(address)
  const silence = `table ip void { chain void { type filter hook input priority 0; ip daddr ${SILENT} drop; }; }`
  await run(inNetns(rig.netns, ['nft', silence]))
  await rig.serve(worldOf(rig, ROUTES))
  await edge.serve(
    worldOf(
      edge,
      ROUTES.filter(({ name }) => ['plain', 'through'].includes(name)),
    ),
  )
})
afterAll(() => Promise.all([rig.down(), edge.down()]))

const overHttp2 = (name: string, part: Partial<Ask> = {}) => rig.ask({ way: 'http2', host: `${name}.test`, isTls: true, ...part })
const told = async (name: string) => JSON.parse((await overHttp2(name)).body) as Readonly<Record<string, string>>
const reloads = () => [...rig.engine.counters.reloads.values()].reduce((sum, one) => sum + one, 0)

const SPOKEN = [
  ['plain', '1.1'],
  ['https', '1.1'],
  ['h2c', '2.0'],
  ['h2', '2.0'],
  ['proxy1', '1.1'],
  ['proxy2', '2.0'],
  ['n-http', '1.1'],
  ['n-https', '1.1'],
  ['n-grpc', '2.0'],
  ['n-grpcs', '2.0'],
] as const

test('HAProxy takes all of it', () => {
  expect([...rig.engine.findings, ...rig.planner.findings]).toEqual([])
})

test.each(SPOKEN)('%s: HTTP/%s', async (name, version) => {
  expect(await told(name)).toMatchObject({ version, forwarded: '127.0.0.1' })
})

describe('gRPC', () => {
  const call = (name: string, method: string, part: Partial<Ask> = {}) =>
    overHttp2(name, { path: `/echo/${method}`, method: 'POST', headers: GRPC, body: 'message', ...part })
  const GRPC = { 'content-type': 'application/grpc', te: 'trailers' }
  const fine = { 'grpc-status': '0', 'grpc-message': 'fine' }

  test.each([
    ['n-grpc', true],
    ['n-grpcs', true],
    ['h2c', true],
    // a client that knows beforehand that HTTP/2 is spoken in the clear
    ['n-grpc', false],
    ['h2c', false],
  ])('%s, over TLS: %s', async (name, isTls) => {
    const head = { status: 200, error: '', headers: { 'content-type': 'application/grpc' } }
    expect(await call(name, 'Unary', { isTls })).toMatchObject({ ...head, body: 'message', trailers: fine })
    expect(await call(name, 'Stream', { isTls })).toMatchObject({ ...head, body: 'message'.repeat(3), trailers: fine })
    const failed = { 'grpc-status': '5', 'grpc-message': 'nobody' }
    expect(await call(name, 'Fail', { isTls })).toMatchObject({ status: 200, headers: failed })
  })
})

describe('a WebSocket', () => {
  test.each(['ws', 'wss', 'plain', 'h2c', 'h2'])('of HTTP/1.1: %s', async (name) => {
    expect(await rig.ask({ way: 'websocket', host: `${name}.test`, body: 'hello' })).toMatchObject({ status: 101, body: 'hello' })
  })

  test.each(['ws', 'wss', 'plain', 'h2c', 'h2'])('of HTTP/2 (RFC 8441): %s', async (name) => {
    const headers = { ':protocol': 'websocket', ':scheme': 'https', 'sec-websocket-version': '13' }
    expect(await overHttp2(name, { method: 'CONNECT', headers, body: 'hello' })).toMatchObject({ status: 200, body: 'hello' })
  })
})

describe('servers are told the client’s address by the PROXY protocol', () => {
  test.each([
    ['proxy1', 'v1 127.0.0.1'],
    ['proxy2', 'v2 127.0.0.1'],
  ])('%s', async (name, proxy) => {
    expect(await told(name)).toMatchObject({ proxy })
  })

  test('each client by its own', async () => {
    const ask = (from: string) => rig.curl('--interface', from, '-H', 'Host: proxy1.test', 'http://127.0.0.1/')
    for (const from of ['127.0.0.2', '127.0.0.3', '127.0.0.2']) expect(JSON.parse(await ask(from)).proxy).toBe(`v1 ${from}`)
    expect(JSON.parse(await rig.curl('-H', 'Host: proxy1.test', 'http://[::1]/')).proxy).toBe('v1 ::1')
  })

  test('where TLS goes through', async () => {
    const text = await rig.curl('-k', '--resolve', 'through.test:443:127.0.0.1', 'https://through.test/')
    expect(JSON.parse(text)).toMatchObject({ proxy: 'v2 127.0.0.1', version: '1.1' })
  })
})

describe('clients that speak the PROXY protocol', () => {
  const ask = (name: string, isTls: boolean, header?: ProxyHeader) =>
    edge.ask({
      ...{ way: 'tcp', host: `${name}.test`, isTls, before: header === undefined ? '' : proxyHeader(header).toString('hex') },
      body: `GET / HTTP/1.1\r\nHost: ${name}.test\r\nConnection: close\r\n\r\n`,
    })

  test.each([
    ['v1', '203.0.113.1', false],
    ['v2', '203.0.113.2', false],
    ['v1', '203.0.113.3', true],
    ['v2', '203.0.113.4', true],
  ] as const)('%s: servers and the log know the address %s; over TLS: %s', async (version, address, isTls) => {
    const { status, body } = await ask('plain', isTls, { version, address })
    expect(status).toBe(200)
    expect(body).toContain(`"forwarded":"${address}"`)
    await expect.poll(() => edge.logLines.find(({ client }) => client === address)).toMatchObject({ status: 200 })
  })

  test('where TLS goes through: servers are told what the client said', async () => {
    const { body } = await ask('through', true, { version: 'v1', address: '203.0.113.5' })
    expect(body).toContain('"proxy":"v2 203.0.113.5"')
  })

  test.each([false, true])('and one that does not is refused; over TLS: %s', async (isTls) => {
    const { status, body } = await ask('plain', isTls)
    expect([status, body]).toEqual([0, ''])
  })
})

describe('servers that fail', () => {
  test('nobody answers: 503 after proxy-connect-timeout', async () => {
    const startedAt = performance.now()
    expect(await rig.answerTo('silent.test', '/')).toBe('503')
    // far less than the 5 s that are the default, and not at once
    expect(performance.now() - startedAt).toBeGreaterThan(900)
    await expect.poll(() => rig.logLines.find(({ host }) => host === 'silent.test')).toMatchObject({ end: 'sC', status: 503 })
  })

  test.each([
    'half',
    'half-again',
    'half-least',
    'half-hash',
  ])('one of two is dead: no request fails, and none waits for a second try of the same server (%s)', async (name) => {
    const { body } = await rig.ask({ way: 'many', host: `${name}.test`, count: 200 })
    expect(JSON.parse(body)).toEqual({ 200: 200 })
    const page = await rig.engine.metrics('?scope=backend')
    const count = (what: string) =>
      Number(
        new RegExp(`^haproxy_backend_${what}_warnings_total\\{.*service="default/${name}".*\\} (\\d+)$`, 'm').exec(page)?.[1],
      )
    expect(count('redispatch')).toBeGreaterThan(0)
    // before a second try of the same server HAProxy waits for a second
    expect(count('retry')).toBe(0)
  })

  test('what a server may have done is not done twice', async () => {
    const send = (method: string, path: string) => rig.answerTo('dying.test', path, '-X', method, '-d', 'x')
    expect(await send('POST', '/empty')).toBe('502')
    expect(await send('PUT', '/empty')).toBe('502')
    const { error, body } = await overHttp2('dying', { method: 'POST', path: '/half', body: 'x' })
    expect([error, body]).toEqual([expect.stringContaining('NGHTTP2'), 'half'])
    const counts = JSON.parse(await rig.answerTo('dying.test', '/counts')) as Readonly<Record<string, number>>
    expect(counts).toMatchObject({ 'POST /empty': 1, 'PUT /empty': 2, 'POST /half': 1 })
  })
})

describe('what HAProxy has counted', () => {
  const sample = (page: string, start: string) => page.split('\n').find((line) => line.startsWith(start)) ?? ''

  test('of the process and of listeners, when nothing is said', async () => {
    const page = await rig.engine.metrics('')
    expect(sample(page, 'haproxy_process_uptime_seconds')).toMatch(/ \d+$/)
    expect(page).toMatch(/^haproxy_frontend_http_requests_total\{proxy="fe_[0-9a-f]+",listener="https"\} [1-9]\d*$/m)
    expect(page).not.toMatch(/haproxy_backend|fe_metrics/)
  })

  test('of Services, by their names; sections that nobody has are left out', async () => {
    const page = await rig.engine.metrics('?scope=backend')
    const requests = page.split('\n').filter((line) => line.startsWith('haproxy_backend_http_requests_total{'))
    expect(requests).toContainEqual(expect.stringMatching(/\{proxy="b\d+",service="default\/h2c",port="80"\} [1-9]\d*$/))
    expect(requests).toContainEqual(expect.stringMatching(/\{proxy="b\d+",service="default\/dying",port="80"\} [1-9]/))
    expect(requests.length).toBeLessThan(ROUTES.length + 6)
    const servers = await rig.engine.metrics('?scope=server')
    expect(servers).toMatch(
      /^haproxy_server_bytes_in_total\{.*,service="default\/plain",port="80",address="10.5.0.1:8080"\} [1-9]/m,
    )
  })

  test('is told to nobody else', () => {
    expect(statSync(join(rig.dir, 'metrics.sock')).mode & 0o777).toBe(0o600)
  })

  test('is no page that there is not', async () => {
    await expect(rig.engine.metrics('?scope=nothing')).rejects.toThrow('status 400')
  })
})

test('servers that come while HAProxy runs are spoken to as the first ones were', async () => {
  const before = reloads()
  const moved = ROUTES.filter(({ name }) => SPOKEN.some(([one]) => one === name))
  const world = worldOf(rig, ROUTES)
  const slices = moved.map((route) => serviceOf(route, addressOf(route.server, 1)).slice)
  const endpointSlices = new Map([...world.endpointSlices, ...slices.map((slice) => [slice.key, slice] as const)])
  const next = { ...world, endpointSlices }
  await rig.serve(
    next,
    slices.map(({ key }) => ({ kind: 'endpointSlice', key })),
  )
  for (const [name, version] of SPOKEN) expect(await told(name)).toMatchObject({ version })
  expect(await told('proxy2')).toMatchObject({ proxy: 'v2 127.0.0.1' })
  expect(reloads()).toBe(before)
})
