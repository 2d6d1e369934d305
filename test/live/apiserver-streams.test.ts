/** exec, attach and port-forward through the API server: real kubectl at one end, a kubelet of a few lines at the other. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFiles, readCertificate } from '../../src/lab/pki.ts'
import { tryRun } from '../../src/linux/run.ts'
import { freePort, Role, Site } from './apiserver/role.ts'

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const STDOUT = 1
const STATUS = 3
const PODS = '/api/v1/namespaces/default/pods'

/** An unmasked binary frame of a server; short ones only. */
const frame = (channel: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([0x82, text.length + 1, channel]), Buffer.from(text)])

/** Takes the WebSocket that kubectl offers, says one word, and succeeds. */
function answerExec(request: IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${WEBSOCKET_GUID}`).digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, 'Sec-WebSocket-Protocol: v5.channel.k8s.io', '', ''].join('\r\n'))
  socket.write(frame(STDOUT, 'hello\n'))
  socket.write(frame(STATUS, '{"status":"Success"}'))
  socket.end(Buffer.from([0x88, 2, 0x03, 0xe8]))
}

describe('streams', () => {
  let site: Site
  let role: Role
  let kubelet: Server
  let port = 0
  const asked: string[] = []
  let refuse: { readonly code: number; readonly text: string } | undefined
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const admin = certificateFiles(site.pki, 'admin')
    const connection = [`--server=https://127.0.0.1:${port}`, `--certificate-authority=${join(site.pki, 'ca.crt')}`]
    const user = [`--client-certificate=${admin.certificate}`, `--client-key=${admin.key}`]
    const env = { HOME: site.dir, KUBECONFIG: '/dev/null' }
    const { stdout, stderr } = await tryRun(['.tools/kubectl', ...connection, ...user, ...args], { env })
    return `${stdout}${stderr}`.trim()
  }
  const write = (method: string, path: string, body: unknown) => site.call(port, method, path, { user: 'admin', body })
  const startKubelet = async (): Promise<Server> => {
    const { certificate: cert, key } = readCertificate(site.pki, 'apiserver')
    const { certificate: ca } = readCertificate(site.pki, 'ca')
    const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true })
    server.on('upgrade', (request, socket) => {
      asked.push(`${request.headers.upgrade} ${request.method} ${request.url}`)
      if (refuse !== undefined)
        socket.end(
          `HTTP/1.1 ${refuse.code} No\r\ncontent-type: text/plain\r\ncontent-length: ${refuse.text.length}\r\n\r\n${refuse.text}`,
        )
      else answerExec(request, socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }
  beforeAll(async () => {
    site = await Site.make()
    port = await freePort()
    role = new Role(site.flags(join(site.dir, 'store'), [`127.0.0.1:${port}`]))
    expect(await role.said).toBe('READY\n')
    kubelet = await startKubelet()
    const Port = (kubelet.address() as AddressInfo).port
    await write('POST', '/api/v1/nodes', { metadata: { name: 'n1' } })
    const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port } } }
    await write('PUT', '/api/v1/nodes/n1/status', { metadata: { name: 'n1' }, status })
    const containers = [{ name: 'web', image: 'nginx' }]
    await write('POST', PODS, { metadata: { name: 'web' }, spec: { nodeName: 'n1', containers } })
    await write('POST', PODS, { metadata: { name: 'nowhere' }, spec: { containers } })
    await write('PUT', `${PODS}/web/status`, { metadata: { name: 'web' }, status: { phase: 'Running' } })
    await write('PUT', `${PODS}/nowhere/status`, { metadata: { name: 'nowhere' }, status: { phase: 'Running' } })
  })
  afterAll(async () => {
    kubelet?.close()
    await role[Symbol.asyncDispose]()
    site[Symbol.dispose]()
  })

  test('kubectl exec reaches the kubelet of the node, with the words that a kubelet knows', async () => {
    expect(await kubectl('exec', 'web', '--', 'echo', 'a b')).toBe('hello')
    expect(asked.splice(0)).toEqual(['websocket GET /exec/default/web/web?output=1&error=1&command=echo&command=a+b'])
  })

  test('what the kubelet refuses is said to the user; kubectl tried SPDY after WebSocket', async () => {
    refuse = { code: 404, text: 'container not found ("web")' }
    expect(await kubectl('exec', 'web', '--', 'true')).toContain('container not found ("web")')
    expect(asked.splice(0).map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['websocket', 'GET'],
      ['SPDY/3.1', 'POST'],
    ])
    expect(await kubectl('port-forward', 'pod/web', ':80')).toContain('container not found ("web")')
    expect(asked.splice(0).map((line) => line.split(' ')[2])).toEqual(['/portForward/default/web', '/portForward/default/web'])
    expect(await kubectl('attach', 'web')).toContain('container not found ("web")')
    expect(asked.splice(0)[0]).toBe('websocket GET /attach/default/web/web?output=1&error=1')
    refuse = undefined
  })

  test('without a node, an upgrade or a kubelet: a Status', async () => {
    expect(await kubectl('exec', 'nowhere', '--', 'true')).toContain('pod nowhere does not have a host assigned')
    const plain = await site.call(port, 'GET', `${PODS}/web/exec?command=true`, { user: 'admin' })
    expect([plain.status, JSON.parse(plain.body).message]).toEqual([400, 'Upgrade request required'])
    expect(await kubectl('exec', 'missing', '--', 'true')).toBe('Error from server (NotFound): pods "missing" not found')
    const { port: kubeletPort } = kubelet.address() as AddressInfo
    kubelet.closeAllConnections()
    await new Promise((resolve) => kubelet.close(resolve))
    expect(await kubectl('exec', 'web', '--', 'true')).toContain(
      `error dialing backend: dial tcp 127.0.0.1:${kubeletPort}: connect: connection refused`,
    )
  })
})
