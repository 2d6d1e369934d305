/**
 * A rolling update under constant load on NodePort and ClusterIP, under both traffic policies: nothing is lost in 10,000 requests.
 * Source: kubernetes test/e2e/network/loadbalancer.go, "should not have connectivity disruption during rolling update", whose gate is 95 in 100.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Service } from '../../src/kube/types.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { Bed, clusterIp, FAMILIES, type Family, NODES, nodePort, type Target } from './service-e2e/bed.ts'

const LOAD = fileURLToPath(new URL('./traffic/load.ts', import.meta.url))
const WANTED = 10_000
const POLICIES = ['Cluster', 'Local'] as const

let bed: Bed
const services: Service[] = []

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 3 } }
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: echo
        image: fairway/echo
        lifecycle: { preStop: { sleep: { seconds: 3 } } }
        readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1, timeoutSeconds: 5 }
`
const ROLLED = 'kubectl rollout status deployment/web --timeout=60s'

beforeAll(async () => {
  bed = await Bed.up('t-svc-roll')
  await bed.lab.client('kubectl apply -f -', WEB)
  for (const family of FAMILIES) for (const policy of POLICIES) services.push(await service(family, policy))
  await bed.lab.client(ROLLED)
})
afterAll(() => bed?.down())

/** Under Local, outsiders and the cluster's own draw from a node's own pods: it has one at every moment, if only one that ends. */
function service(family: Family, policy: 'Cluster' | 'Local'): Promise<Service> {
  return bed.service(`web-${policy.toLowerCase()}-${family.toLowerCase()}`, family, {
    type: 'NodePort',
    externalTrafficPolicy: policy,
    internalTrafficPolicy: policy,
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080 }],
  })
}

interface Count {
  readonly asked: number
  readonly failed: readonly string[]
}

/** Asks all the time, each time over a new connection, until the returned function is called. */
function load(from: string, targets: readonly Target[]): () => Promise<Count> {
  const urls = targets.map(({ address, port }) => `http://${address.includes(':') ? `[${address}]` : address}:${port}/`)
  const [program = '', ...args] = inNetns(bed.netnsOf(from), [process.execPath, LOAD, ...urls])
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const said = text(child.stdout)
  return async () => {
    child.stdin.end()
    await once(child, 'close')
    return JSON.parse(await said) as Count
  }
}

async function rollUnderLoad(): Promise<Count> {
  const ends = [
    load(
      'client',
      services.flatMap((one) => NODES.map((node) => nodePort(one, node))),
    ),
    load(
      'optiplex-1',
      services.map((one) => clusterIp(one)),
    ),
  ]
  const endAll = () => Promise.all(ends.map((end) => end()))
  try {
    await bed.lab.client(`kubectl rollout restart deployment/web && ${ROLLED}`)
    // until the last of the old pods has gone, too
    await expect
      .poll(() => bed.lab.client('kubectl get pods -l app=web --no-headers'), { timeout: 20_000, interval: 200 })
      .not.toContain('Terminating')
  } catch (error) {
    await endAll()
    throw error
  }
  const counts = await endAll()
  return { asked: counts.reduce((sum, { asked }) => sum + asked, 0), failed: counts.flatMap(({ failed }) => failed) }
}

test('Services should not have connectivity disruption during rolling update with externalTrafficPolicy=Cluster and =Local, nor over ClusterIP: none of 10,000 requests fails', async ({
  annotate,
}) => {
  for (const one of services)
    for (const node of NODES) {
      await expect.poll(() => bed.who('client', nodePort(one, node)), { timeout: 15_000 }).toMatch(/^web-/)
      await expect.poll(() => bed.who(node, clusterIp(one)), { timeout: 15_000 }).toMatch(/^web-/)
    }
  let asked = 0
  let rolled = 0
  while (asked < WANTED) {
    const count = await rollUnderLoad()
    expect(count.failed).toEqual([])
    asked += count.asked
    rolled++
  }
  await annotate(`${asked} requests over ${rolled} rolling updates`)
})
