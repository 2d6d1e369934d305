/**
 * A rolling update under constant load on load-balancer addresses, NodePorts and ClusterIPs, under both traffic policies: no new connection fails in 10,000 requests.
 * Source: kubernetes test/e2e/network/loadbalancer.go, "should not have connectivity disruption during rolling update", whose gate is 95 in 100.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Service } from '../../src/kube/types.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { Bed, balancer, clusterIp, FAMILIES, type Family, NODES, nodePort, type Target } from './service-e2e/bed.ts'
import { type Move, Moves } from './service-e2e/moves.ts'

const LOAD = fileURLToPath(new URL('./traffic/load.ts', import.meta.url))
const WANTED = 10_000
/** A request takes some milliseconds; the asker and what watches neighbours are two processes. */
const IN_FLIGHT_IN_MS = 1_000
const POLICIES = ['Cluster', 'Local'] as const

/** A pod that asks; it is on a node that the load from hosts does not come from. */
const ASKER = 'asker'
/** What a Deployment has that says nothing: 25 % more pods, which is one more than two or three, and 25 % fewer, which is none. */
const DEFAULT_STRATEGY = [{ op: 'remove', path: '/spec/strategy' }]

let bed: Bed
let moves: Moves
const services: Service[] = []
const balanced: Service[] = []

const deployment = (name: string, replicas: number, strategy: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  ${strategy}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name}, rolls: "yes" } }
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: echo
        image: fairway/echo
        lifecycle: { preStop: { sleep: { seconds: 3 } } }
        readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1, timeoutSeconds: 5 }
`
const WEB = deployment('web', 3, 'strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 3 } }')
/** Fewer pods than nodes: the node that has none changes. */
const TWO = deployment('two', 2, '')
const rolled = (name: string) => `kubectl rollout status deployment/${name} --timeout=60s`

beforeAll(async () => {
  bed = await Bed.up('t-svc-roll')
  await bed.lab.client('kubectl apply -f -', `${WEB}---${TWO}`)
  await bed.announce()
  moves = new Moves(bed.netnsOf('client'))
  for (const family of FAMILIES) for (const policy of POLICIES) services.push(await service(family, policy))
  for (const family of FAMILIES) balanced.push(await balancedService(family))
  await bed.pods({ name: ASKER, node: 'optiplex-2' })
  await bed.lab.client(`${rolled('web')} && ${rolled('two')}`)
})
afterAll(async () => {
  await moves?.end()
  await bed?.down()
})

/** Under Local, outsiders and the cluster's own draw from a node's own pods: it has one at every moment, if only one that ends. */
async function service(family: Family, policy: 'Cluster' | 'Local'): Promise<Service> {
  const { metadata } = await bed.service(`web-${policy.toLowerCase()}-${family.toLowerCase()}`, family, {
    type: 'LoadBalancer',
    externalTrafficPolicy: policy,
    internalTrafficPolicy: policy,
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080 }],
  })
  return bed.balanced(metadata.name ?? '')
}

/** Under Local with a port that tells load balancers whether the node has ready pods. */
function balancedService(family: Family): Promise<Service> {
  return bed.service(`two-${family.toLowerCase()}`, family, {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    selector: { app: 'two' },
    ports: [{ port: 80, targetPort: 8080 }],
  })
}

interface Failure {
  /** The place that asked. */
  readonly from: string
  readonly url: string
  readonly why: string
  readonly hadConnected: boolean
  readonly atInMs: number
}

interface Count {
  readonly asked: number
  readonly failed: readonly Failure[]
  /** How often a node said that it wants no more. */
  readonly turnedAway: number
}

const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address)
const urlOf = ({ address, port }: Target): string => `http://${hostOf(address)}:${port}/`
/** A nodePort that is asked only while the node says that it has ready pods. */
const whileHealthy = (one: Service, node: string): string => {
  const to = nodePort(one, node)
  return `${urlOf(to)} ${urlOf({ ...to, port: one.spec?.healthCheckNodePort ?? 0 })}`
}
const atNodes = (some: readonly Service[]): readonly string[] =>
  some.flatMap((one) => NODES.map((node) => urlOf(nodePort(one, node))))
const atBalancers = (some: readonly Service[]): readonly string[] => some.map((one) => urlOf(balancer(one)))
const atClusterIps = (some: readonly Service[]): readonly string[] => some.map((one) => urlOf(clusterIp(one)))

/** Asks all the time, each time over a new connection, until the returned function is called. */
function load(from: string, urls: readonly string[]): () => Promise<Count> {
  const [program = '', ...args] = inNetns(bed.netnsOf(from), [process.execPath, LOAD, ...urls])
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const said = text(child.stdout)
  return async () => {
    child.stdin.end()
    await once(child, 'close')
    const count = JSON.parse(await said) as Count
    return { ...count, failed: count.failed.map((one) => ({ ...one, from })) }
  }
}

/**
 * Failures, without connections in flight on an address that moved: under Local it leaves a node that has no ready pod any more, and the next node
 * knows nothing of the connection. New connections are never among those: a Service loses none, wherever its address is.
 */
function unexplained(failed: readonly Failure[]): readonly Failure[] {
  return failed.filter(({ url, hadConnected, atInMs }) => {
    const { hostname } = new URL(url)
    const isOfMove = (move: Move) => hostname === hostOf(move.address) && Math.abs(atInMs - move.atInMs) < IN_FLIGHT_IN_MS
    return !hadConnected || !moves.all.some(isOfMove)
  })
}

/** One rolling update of each Deployment, while all these ask: URLs by the place that asks. */
async function rollUnderLoad(names: readonly string[], askers: Readonly<Record<string, readonly string[]>>): Promise<Count> {
  const ends = Object.entries(askers).map(([from, urls]) => load(from, urls))
  const endAll = () => Promise.all(ends.map((end) => end()))
  try {
    const restart = `kubectl rollout restart ${names.map((name) => `deployment/${name}`).join(' ')}`
    await bed.lab.client([restart, ...names.map(rolled)].join(' && '))
    // until the last of the old pods has gone, too
    await expect
      .poll(() => bed.lab.client('kubectl get pods -l rolls=yes --no-headers'), { timeout: 20_000, interval: 200 })
      .not.toContain('Terminating')
  } catch (error) {
    await endAll()
    throw error
  }
  const counts = await endAll()
  const sum = (of: (count: Count) => number) => counts.reduce((all, count) => all + of(count), 0)
  return {
    asked: sum(({ asked }) => asked),
    failed: counts.flatMap(({ failed }) => failed),
    turnedAway: sum(({ turnedAway }) => turnedAway),
  }
}

test('Services should not have connectivity disruption during rolling update with externalTrafficPolicy=Cluster and =Local, nor over ClusterIP: none of 10,000 requests fails', async ({
  annotate,
}) => {
  for (const one of services) {
    await expect.poll(() => bed.who('client', balancer(one)), { timeout: 15_000 }).toMatch(/^web-/)
    for (const node of NODES) {
      await expect.poll(() => bed.who('client', nodePort(one, node)), { timeout: 15_000 }).toMatch(/^web-/)
      await expect.poll(() => bed.who(node, clusterIp(one)), { timeout: 15_000 }).toMatch(/^web-/)
    }
  }
  const outside = [...atNodes(services), ...atBalancers(services)]
  const askers = { client: outside, 'optiplex-1': atClusterIps(services), [ASKER]: atClusterIps(services) }
  let asked = 0
  let rolled = 0
  let inFlight = 0
  while (asked < WANTED) {
    const count = await rollUnderLoad(['web'], askers)
    expect(unexplained(count.failed)).toEqual([])
    inFlight += count.failed.length
    asked += count.asked
    rolled++
  }
  await annotate(
    `${asked} requests over ${rolled} rolling updates; ${moves.all.length} moves of addresses ended ${inFlight} in flight`,
  )
})

test('a Deployment’s default strategy: no request fails while each node has a pod, nor with fewer pods where the asker minds health checks', async ({
  annotate,
}) => {
  await bed.lab.client(`kubectl patch deployment/web --type=json -p '${JSON.stringify(DEFAULT_STRATEGY)}'`)
  const balancers = balanced.flatMap((one) => NODES.map((node) => whileHealthy(one, node)))
  const { asked, failed, turnedAway } = await rollUnderLoad(['web', 'two'], {
    client: [...atNodes(services), ...atBalancers(services), ...balancers],
    'optiplex-1': atClusterIps(services),
    [ASKER]: atClusterIps(services),
  })
  expect(unexplained(failed)).toEqual([])
  expect(turnedAway).toBeGreaterThanOrEqual(FAMILIES.length) // else no node was without a ready pod
  await annotate(`${asked} requests; nodes turned them away ${turnedAway} times`)
})
