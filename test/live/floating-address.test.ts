/** Addresses that follow pods from node to node, as a client outside sees them. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { FloatingAddressObject } from '../../src/kube/floating-address.ts'
import type { LabStatus } from '../../src/lab/status.ts'
import { tryRun } from '../../src/linux/run.ts'
import { whileAsking } from '../support/l2-failover.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from '../support/live-lab.ts'
import type { ConnectionsResult } from './l2/connections.ts'

const LAB = 't-float'
const soon = { timeout: 30_000, interval: 50 }
const FOUR = '192.168.10.1'
const SIX = 'fd00:192:168::10:1'
const ROUTED = '203.0.113.7'
const NODES: Readonly<Record<string, string>> = { 'optiplex-1': '192.168.0.240', 'optiplex-2': '192.168.0.161' }

/** Ready means that it answers. In the last seconds of its life it still does. */
const edge = (replicas: number, lastSeconds = 2) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: edge }
spec:
  replicas: ${replicas}
  ${lastSeconds === 0 ? 'strategy: { type: Recreate, rollingUpdate: null }' : 'strategy: { type: RollingUpdate }'}
  selector: { matchLabels: { app: edge } }
  template:
    metadata: { labels: { app: edge } }
    spec:
      hostNetwork: true
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [${Object.keys(NODES).join(', ')}] }] }]
      containers:
      - name: nginx
        image: nginx
        ports: [{ containerPort: 80 }]
        readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 }
        lifecycle: ${lastSeconds === 0 ? '~' : `{ preStop: { sleep: { seconds: ${lastSeconds} } } }`}
---
apiVersion: fairway.dev/v1alpha1
kind: FloatingAddress
metadata: { name: edge }
spec:
  addresses: [${FOUR}, '${SIX}']
  selector: { matchLabels: { app: edge } }
`

const routed = `
apiVersion: fairway.dev/v1alpha1
kind: FloatingAddress
metadata: { name: routed }
spec:
  addresses: [${ROUTED}]
  selector: { matchLabels: { app: edge } }
  bgp: { communities: ['64513:7'] }
`

const hostPort = `
apiVersion: v1
kind: Pod
metadata: { name: door, labels: { app: door } }
spec:
  nodeName: ubuntu-1
  containers: [{ name: echo, image: fairway/echo, ports: [{ containerPort: 8080, hostPort: 8088 }] }]
---
apiVersion: fairway.dev/v1alpha1
kind: FloatingAddress
metadata: { name: door }
spec:
  addresses: [192.168.10.2]
  selector: { matchLabels: { app: door } }
`

let lab: LiveLab
beforeAll(async () => {
  lab = await bringUpLab(LAB, '--with', 'bgp')
  await lab.client('kubectl apply -f -', edge(1))
  await at('edge')
})
afterAll(() => lab?.down())

async function fault(verb: string, node: string): Promise<void> {
  const result = await tryRun([FAIRWAY, 'lab', 'node', verb, node, '--name', LAB])
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
}

const kubectl = (line: string, input?: string): Promise<string> => lab.client(`kubectl ${line}`, input)
const statusOf = async (name: string) => {
  return (JSON.parse(await kubectl(`get floatingaddress ${name} -o json`)) as FloatingAddressObject).status ?? {}
}

/** Where it says that it is, once that is `node`, or anywhere. */
async function at(name: string, node?: string): Promise<string> {
  return vi.waitFor(async () => {
    const status = await statusOf(name)
    expect(status.node).toEqual(node ?? expect.any(String))
    return status.node ?? ''
  }, soon)
}

async function candidates(name: string, count: number): Promise<readonly string[]> {
  return vi.waitFor(async () => {
    const nodes = ((await statusOf(name)).candidates ?? []).map(({ node }) => node)
    expect(nodes).toHaveLength(count)
    return nodes
  }, soon)
}

/** The nodes that hold an address, and on which interface. */
async function heldOn(address: string): Promise<readonly string[]> {
  const held = await Promise.all(
    Object.keys(NODES).map(async (node) => {
      const { stdout } = await lab.on(node, `ip -o addr show to ${address}`)
      return stdout.split('\n').flatMap((line) => (line === '' ? [] : `${node} ${line.split(/\s+/)[1]}`))
    }),
  )
  return held.flat().toSorted()
}

async function page(host: string, from = 'client'): Promise<string> {
  return (await lab.on(from, `curl -s -g -m 2 http://${host}`)).stdout
}

function report(what: string, results: readonly ConnectionsResult[]): void {
  const words = results.map(
    ({ address, darkInMs, failed, tried }) => `${address} dark ${darkInMs} ms, ${failed} of ${tried} failed`,
  )
  process.stderr.write(`floating address, ${what}: ${words.join('; ')}\n`)
}

const asking = (addresses: readonly string[], work: () => Promise<void>) =>
  whileAsking(LAB, { held: 0, intervalInMs: 10, addresses }, work)

/** Whichever node the pod is on: what a client notices of the pod itself. */
const POD = Object.values(NODES).join('+')

describe('the address of the only pod', () => {
  test.each([FOUR, `[${SIX}]`])('is answered for by the pod’s node: %s', async (host) => {
    await vi.waitFor(async () => expect(await page(host)).toContain('Welcome to nginx!'), soon)
    const node = await at('edge')
    expect(await heldOn(host.replace(/[[\]]/g, ''))).toEqual([`${node} eth0`])
  })

  test('goes before the pod does when that is replaced on another node', { timeout: 60_000 }, async () => {
    const before = await at('edge')
    const results = await asking([FOUR, SIX], async () => {
      await kubectl('rollout restart deployment/edge')
      await kubectl('rollout status deployment/edge --timeout=30s')
      await at(
        'edge',
        Object.keys(NODES).find((node) => node !== before),
      )
    })
    report('rollout', results)
    expect(results.map(({ failed }) => failed)).toEqual([0, 0])
  })

  test('is dark for no longer than the pod when that is gone before the next one is there', { timeout: 60_000 }, async () => {
    await kubectl('apply -f -', edge(1, 0))
    await kubectl('rollout status deployment/edge --timeout=30s')
    const before = await at('edge')
    const { pod = '' } = await statusOf('edge')
    const results = await asking([FOUR, SIX, POD], async () => {
      await kubectl(`cordon ${before}`)
      await kubectl(`delete pod ${pod} --wait=false`)
      await at(
        'edge',
        Object.keys(NODES).find((node) => node !== before),
      )
      await vi.waitFor(async () => expect(await page(FOUR)).toContain('Welcome to nginx!'), soon)
    })
    await kubectl(`uncordon ${before}`)
    report('the only pod dies', results)
    const [four, six, itself] = results.map(({ darkInMs }) => darkInMs)
    expect(itself).toBeGreaterThan(0)
    // after it answers it becomes Ready, which is asked once a second, and that is told to controller and agents
    expect(Math.max(four ?? Infinity, six ?? Infinity)).toBeLessThanOrEqual((itself ?? 0) + 1_000 + 400)
  })

  test('is withdrawn while there is none, and that is told', async () => {
    await kubectl('scale deployment/edge --replicas=0')
    await candidates('edge', 0)
    await vi.waitFor(async () => expect([await heldOn(FOUR), await heldOn(SIX)]).toEqual([[], []]), soon)
    const told = 'FloatingAddress default/edge is at no node: its selector chooses no pod of its namespace.'
    const condition = async () => (await statusOf('edge')).conditions?.find(({ type }) => type === 'Ready')
    await vi.waitFor(async () => expect(await condition()).toMatchObject({ status: 'False', reason: 'FLOATING_NO_POD' }), soon)
    expect((await condition())?.message).toContain(told)
    expect(await kubectl('describe floatingaddress edge')).toContain(told)
  })
})

describe('an address with two pods', () => {
  beforeAll(async () => {
    await kubectl('apply -f -', edge(2))
    await kubectl('rollout status deployment/edge --timeout=30s')
    await candidates('edge', 2)
    await at('edge')
  })

  const apiServer = async () => {
    const status = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout) as LabStatus
    return status.processes.find(({ name }) => name === 'lab-apiserver')?.identity?.pid ?? 0
  }

  test('is taken over when its node dies, without an API server, and stays there', { timeout: 120_000 }, async () => {
    const [first = '', second = ''] = await candidates('edge', 2)
    await at('edge', first)
    const pid = await apiServer()
    const results = await asking([FOUR, SIX], async () => {
      process.kill(pid, 'SIGSTOP')
      try {
        await fault('stop', first)
        await vi.waitFor(async () => expect(await heldOn(FOUR)).toContain(`${second} eth0`), soon)
        await vi.waitFor(async () => expect(await page(`[${SIX}]`)).toContain('Welcome to nginx!'), soon)
      } finally {
        process.kill(pid, 'SIGCONT')
      }
    })
    report('power, no API server', results)
    for (const { darkInMs, failed } of results) {
      expect(failed).toBeGreaterThan(0)
      expect(darkInMs).toBeLessThanOrEqual(400)
    }
    await at('edge', second)
    await fault('start', first)
    await vi.waitFor(async () => expect((await candidates('edge', 2))[0]).toBe(second), soon)
    expect(await heldOn(FOUR)).toEqual([`${second} eth0`])
  })

  test('leaves a node whose pod is no longer Ready', async () => {
    const [first = '', second = ''] = await candidates('edge', 2)
    const { pod } = await statusOf('edge')
    await kubectl(`cordon ${first}`)
    await kubectl(`delete pod ${pod} --wait=false`)
    await at('edge', second)
    await vi.waitFor(async () => expect(await heldOn(FOUR)).toEqual([`${second} eth0`]), soon)
    await kubectl(`uncordon ${first}`)
    await candidates('edge', 2)
  })
})

describe('an address that BGP announces', () => {
  interface Path {
    readonly metric?: number
    readonly bestpath?: { readonly overall?: boolean }
    readonly nexthops: readonly { readonly ip: string }[]
  }
  const paths = async (): Promise<readonly Path[]> => {
    const { stdout } = await lab.on('tor', `vtysh -c 'show bgp ipv4 unicast ${ROUTED}/32 json'`)
    return (JSON.parse(stdout) as { readonly paths?: readonly Path[] }).paths ?? []
  }
  const nodeOf = (address: string | undefined) => Object.keys(NODES).find((node) => NODES[node] === address) ?? ''

  beforeAll(async () => {
    await kubectl(`apply -f ${process.cwd()}/examples/bgp/peers.yaml`)
    await kubectl('apply -f -', routed)
  })

  test('comes from each candidate with a metric, and routers go to the first one', async () => {
    const [first = '', second = ''] = await candidates('routed', 2)
    const seen = async () => (await paths()).map(({ metric, nexthops: [hop] }) => `${nodeOf(hop?.ip)} ${metric ?? 0}`).toSorted()
    await vi.waitFor(async () => expect(await seen()).toEqual([`${first} 0`, `${second} 100`].toSorted()), soon)
    const best = (await paths()).find(({ bestpath }) => bestpath?.overall)
    expect(nodeOf(best?.nexthops[0]?.ip)).toBe(first)
    expect(await heldOn(ROUTED)).toEqual([`${first} lo`, `${second} lo`].toSorted())
    expect((await statusOf('routed')).node).toBe(first)
    expect(await page(ROUTED, 'far-client')).toContain('Welcome to nginx!')
    const { stdout } = await lab.on('client', 'fairway bgp routes -o wide')
    expect(stdout).toMatch(new RegExp(`${ROUTED}/32 +${second} +floating address default/routed.* 64513:7 .* 100 `))
  })

  test('goes on by the next one when the first one dies', { timeout: 90_000 }, async () => {
    const [first = ''] = await candidates('routed', 2)
    await fault('cut', first)
    await vi.waitFor(async () => expect(await paths()).toHaveLength(1), soon)
    expect(await page(ROUTED, 'far-client')).toContain('Welcome to nginx!')
    await fault('heal', first)
    await candidates('routed', 2)
  })
})

test('the address of a pod with a hostPort reaches it by that port', async () => {
  await kubectl('apply -f -', hostPort)
  await at('door', 'ubuntu-1')
  await vi.waitFor(async () => expect(await page('192.168.10.2:8088')).toContain('"pod":"door"'), soon)
})

test('with its object an address goes', async () => {
  await kubectl('delete floatingaddress edge routed door')
  for (const address of [FOUR, SIX, ROUTED]) await vi.waitFor(async () => expect(await heldOn(address)).toEqual([]), soon)
  await vi.waitFor(async () => expect(await kubectl('get addressclaims -o name')).toBe(''), soon)
})
