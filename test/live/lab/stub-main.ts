/**
 * The command line of Fairway with roles that only pretend: tests of wires and supervision need processes, not a cluster.
 * The API server answers a list of nodes that are all Ready, and takes every definition; routers are real; everything else says READY
 * and waits to be ended.
 * FAIRWAY_STUB_BROKEN names a role that ends at once.
 */
import { closeSync, readFileSync, writeSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { DEFAULT_TOPOLOGY } from '../../../src/lab/topology.ts'
import { listenInNetns } from '../../../src/linux/netns.ts'

const ROLES = ['lab-apiserver', 'lab-controllers', 'controller', 'lab-kubelet', 'agent']
const [word = '', ...rest] = process.argv.slice(2)

function flags(name: string): readonly string[] {
  return rest.flatMap((arg, index) => (arg === `--${name}` ? [rest[index + 1] ?? ''] : []))
}

function nodes(): string {
  const conditions = [{ type: 'Ready', status: 'True' }]
  const items = DEFAULT_TOPOLOGY.nodes.map(({ name }) => ({ metadata: { name }, status: { conditions } }))
  return JSON.stringify({ apiVersion: 'v1', kind: 'NodeList', metadata: { resourceVersion: '1' }, items })
}

/** What is said of a definition that was applied. */
const ESTABLISHED = JSON.stringify({ status: { conditions: [{ type: 'Established', status: 'True' }] } })

async function serve(listen: string): Promise<void> {
  const [endpoint = '', netns = '/proc/self/ns/net'] = listen.split('@')
  const port = Number(endpoint.slice(endpoint.lastIndexOf(':') + 1))
  const host = endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  const file = (name: string) => readFileSync(flags(name)[0] ?? '')
  const options = {
    cert: file('tls-cert'),
    key: file('tls-key'),
    ca: file('client-ca'),
    requestCert: true,
    rejectUnauthorized: true,
  }
  const server: Server = createServer(options, (request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(request.url?.includes('/customresourcedefinitions/') ? ESTABLISHED : nodes())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ fd: listenInNetns(netns, host, port) }, resolve)
  })
}

async function pretend(): Promise<void> {
  process.on('SIGTERM', () => process.exit(0))
  setInterval(() => undefined, 1 << 30)
  for (const listen of flags('listen')) await serve(listen)
  const fd = Number(flags('ready-fd')[0])
  writeSync(fd, 'READY\n')
  closeSync(fd)
}

if (word === 'lab-supervisor') await (await import('../../../src/lab/supervisor/main.ts')).main(rest)
else if (word === 'lab-router') await (await import('../../../src/lab/routers/main.ts')).main(rest)
else if (word === process.env.FAIRWAY_STUB_BROKEN) {
  process.stderr.write(
    `${JSON.stringify({ level: 'error', time: new Date().toISOString(), area: word, msg: 'no space left on device' })}\n`,
  )
  process.exitCode = 5
} else if (ROLES.includes(word)) await pretend()
else await (await import('../../../src/cli/main.ts')).main(process.argv.slice(2))
