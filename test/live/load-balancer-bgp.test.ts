/** Addresses of Services, announced by BGP: the router shares flows among the nodes, and far-client reaches pods by them. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

const soon = { timeout: 20_000, interval: 100 }
const FOUR = '192.168.9.77'
const SIX = 'fd00:192:168:9::77'
/** Of a Service of another class: somebody else gave it. */
const OTHERS = '192.168.9.78'
const EXAMPLE = `${process.cwd()}/examples/load-balancer/bgp.yaml`
const NODES = { 'ubuntu-1': '192.168.0.154', 'optiplex-1': '192.168.0.240', 'optiplex-2': '192.168.0.161' } as const

const pod = (name: string, node: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: web } }
spec:
  nodeName: ${node}
  containers: [{ name: echo, image: fairway/echo, readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 } }]
---`

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: web, annotations: { metallb.io/loadBalancerIPs: '${FOUR},${SIX}' } }
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: v1
kind: Service
metadata: { name: others }
spec:
  type: LoadBalancer
  loadBalancerClass: example.com/by-hand
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`

interface Said {
  readonly items: readonly { readonly status: { readonly node: string; readonly peers: readonly string[] } }[]
}

/** `NODE PEER,...` of what nodes say of the Service. */
async function saidByNodes(): Promise<readonly string[]> {
  const { items } = JSON.parse(await kubectl('get servicebgpstatus -l metallb.io/service-name=web -o json')) as Said
  return items.map(({ status }) => `${status?.node} ${status?.peers.join()}`).toSorted()
}

/** The nodes that `fairway bgp routes` says announce the Service. */
async function shown(): Promise<readonly string[]> {
  const { stdout } = await lab.on('client', 'fairway bgp routes default/web -o json')
  const { routes } = JSON.parse(stdout) as { readonly routes: readonly { readonly prefix: string; readonly node: string }[] }
  return routes.filter(({ prefix }) => prefix === `${FOUR}/32`).map(({ node }) => node)
}

let lab: LiveLab
const kubectl = (line: string, input?: string): Promise<string> => lab.client(`kubectl ${line}`, input)
const merge = (line: string, change: object): Promise<string> =>
  kubectl(`patch ${line} --type=merge -p '${JSON.stringify(change)}'`)

/** The nodes that the router sends an address's flows to, sorted. */
async function hops(address: string): Promise<readonly string[]> {
  const family = address.includes(':') ? '-6' : '-4'
  const { stdout } = await lab.on('tor', `ip ${family} -j route show ${address}`)
  const routes = JSON.parse(stdout.trim() || '[]') as readonly { gateway?: string; nexthops?: readonly { gateway: string }[] }[]
  const gateways = routes.flatMap(({ gateway, nexthops = [] }) => [
    ...(gateway === undefined ? [] : [gateway]),
    ...nexthops.map((hop) => hop.gateway),
  ])
  return gateways.toSorted()
}

interface Answer {
  readonly client: { readonly address: string }
  readonly pod: string
}

/** What the pod that answers says; undefined when none does. */
async function ask(address: string): Promise<Answer | undefined> {
  const host = address.includes(':') ? `[${address}]` : address
  const { stdout, exitCode } = await lab.on('far-client', `curl -s -g -m 3 'http://${host}'`)
  return exitCode === 0 ? (JSON.parse(stdout) as Answer) : undefined
}

beforeAll(async () => {
  lab = await bringUpLab('t-lbbgp', '--with', 'bgp')
  await kubectl('apply -f -', `${pod('web-1', 'optiplex-1')}${pod('web-2', 'optiplex-2')}${SERVICE}`)
  await kubectl('wait --for=condition=Ready pod/web-1 pod/web-2 --timeout=30s')
  await kubectl(`apply -f ${process.cwd()}/examples/bgp/peers.yaml`)
  const [pool = ''] = readFileSync(EXAMPLE, 'utf8').split('---')
  await kubectl('apply -f -', pool)
  await kubectl("wait svc/web --for=jsonpath='{.status.loadBalancer.ingress}' --timeout=30s")
  await merge('svc others --subresource=status', { status: { loadBalancer: { ingress: [{ ip: OTHERS, ipMode: 'VIP' }] } } })
})
afterAll(() => lab?.down())

test('without an advertisement nobody is told', async () => {
  const established = async (): Promise<number> => {
    const { stdout } = await lab.on('tor', "vtysh -c 'show bgp summary json'")
    const { ipv4Unicast } = JSON.parse(stdout) as { ipv4Unicast?: { peers?: Record<string, { state: string }> } }
    return Object.values(ipv4Unicast?.peers ?? {}).filter(({ state }) => state === 'Established').length
  }
  await expect.poll(established, soon).toBeGreaterThanOrEqual(3)
  expect(await hops(FOUR)).toEqual([])
})

describe('with the example applied', () => {
  beforeAll(async () => {
    await kubectl(`apply -f ${EXAMPLE}`)
  })

  test('the router shares flows among all nodes, and knows the community', async () => {
    await expect.poll(() => hops(FOUR), soon).toEqual(Object.values(NODES).toSorted())
    await expect.poll(async () => (await hops(SIX)).length, soon).toBe(3)
    expect((await lab.on('tor', `vtysh -c 'show bgp ipv4 ${FOUR}/32'`)).stdout).toContain('Community: 64513:100')
    await expect.poll(saidByNodes, soon).toEqual(['optiplex-1 tor', 'optiplex-2 tor', 'ubuntu-1 tor'])
    expect(await shown()).toEqual(['optiplex-1', 'optiplex-2', 'ubuntu-1'])
  })

  test('an address of a Service of another class is for others to announce; nodes carry what comes to it', async () => {
    const { stdout } = await lab.on('optiplex-1', `curl -s -m 3 --retry 5 --retry-all-errors http://${OTHERS}`)
    expect((JSON.parse(stdout) as Answer).pod).toMatch(/^web-/)
    expect(await hops(OTHERS)).toEqual([]) // the routes of web came later than this Service
    expect((await lab.on('client', `fairway bgp routes ${OTHERS}`)).stderr).toContain('FW0558')
    expect(
      (await lab.on('client', `fairway bgp routes default/others --load-balancer-class example.com/by-hand`)).stdout,
    ).toContain(`${OTHERS}/32`)
  })

  test.each([FOUR, SIX])('far-client reaches pods of both nodes by %s', async (address) => {
    const seen = new Set<string>()
    await expect
      .poll(async () => {
        const answer = await ask(address)
        if (answer !== undefined) seen.add(answer.pod)
        return [...seen].toSorted()
      }, soon)
      .toEqual(['web-1', 'web-2'])
  })

  test('under policy Local the nodes with pods alone, which see who asks; they follow the pods', async () => {
    await merge('svc web', { spec: { externalTrafficPolicy: 'Local' } })
    await expect.poll(() => hops(FOUR), soon).toEqual([NODES['optiplex-2'], NODES['optiplex-1']].toSorted())
    await expect.poll(async () => (await ask(FOUR))?.client.address, soon).toBe('172.30.0.10')
    await expect.poll(saidByNodes, soon).toEqual(['optiplex-1 tor', 'optiplex-2 tor'])
    expect(await shown()).toEqual(['optiplex-1', 'optiplex-2'])
    await kubectl('delete pod web-1')
    await expect.poll(() => hops(FOUR), soon).toEqual([NODES['optiplex-2']])
    await expect.poll(async () => (await hops(SIX)).length, soon).toBe(1)
    expect((await ask(FOUR))?.pod).toBe('web-2')
    await kubectl('apply -f -', pod('web-3', 'ubuntu-1'))
    await expect.poll(() => hops(FOUR), soon).toEqual([NODES['optiplex-2'], NODES['ubuntu-1']].toSorted())
    await merge('svc web', { spec: { externalTrafficPolicy: 'Cluster' } })
    await expect.poll(async () => (await hops(FOUR)).length, soon).toBe(3)
  })

  test('a range in their place, only from nodes that are chosen', async () => {
    const spec = { aggregationLength: 28, nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': 'optiplex-2' } }] }
    await merge('bgpadvertisement public', { spec })
    await expect.poll(() => hops('192.168.9.64/28'), soon).toEqual([NODES['optiplex-2']])
    await expect.poll(() => hops(FOUR), soon).toEqual([])
    expect((await ask(FOUR))?.pod).toMatch(/^web-/)
  })

  test('a node that is cordoned is used no more, and comes back', async () => {
    await merge('bgpadvertisement public', { spec: { aggregationLength: null, nodeSelectors: null } })
    await expect.poll(async () => (await hops(FOUR)).length, soon).toBe(3)
    await kubectl('cordon ubuntu-1')
    await expect.poll(() => hops(FOUR), soon).toEqual([NODES['optiplex-2'], NODES['optiplex-1']].toSorted())
    await kubectl('uncordon ubuntu-1')
    await expect.poll(async () => (await hops(FOUR)).length, soon).toBe(3)
  })

  test('with the advertisement, the routes go', async () => {
    await kubectl('delete bgpadvertisement public')
    await expect.poll(() => hops(FOUR), soon).toEqual([])
    await expect.poll(() => hops(SIX), soon).toEqual([])
    await expect.poll(saidByNodes, soon).toEqual([])
    expect(await lab.on('client', `fairway bgp routes ${FOUR}`)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('FW0558'),
    })
  })
})
