/** Manifests as MetalLB's users have them (examples/metallb): real kubectl applies them as they are, and what they ask for happens. */
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

const soon = { timeout: 20_000, interval: 100 }
const FILES = ['pools', 'services', 'l2', 'bgp'].map((name) => resolve(`examples/metallb/${name}.yaml`))
const APPLY = `kubectl apply ${FILES.map((file) => `-f ${file}`).join(' ')}`
const PODS = ['optiplex-1', 'optiplex-2'].map(
  (node) => `
apiVersion: v1
kind: Pod
metadata: { name: web-${node}, namespace: metallb-shop, labels: { app: web } }
spec:
  nodeName: ${node}
  containers: [{ name: echo, image: fairway/echo, readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 } }]
`,
)

let lab: LiveLab
beforeAll(async () => {
  lab = await bringUpLab('t-metallb', '--with', 'bgp')
})
afterAll(() => lab?.down())

const kubectl = (line: string, input?: string): Promise<string> => lab.client(`kubectl ${line}`, input)

interface Listed {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
    readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] } }
  }[]
}

/** `NAME ADDRESS,ADDRESS POOL` of every Service. */
async function services(): Promise<readonly string[]> {
  const { items } = JSON.parse(await kubectl('get services -n metallb-shop -o json')) as Listed
  return items
    .map(({ metadata: { name, annotations = {} }, status }) =>
      [name, status?.loadBalancer?.ingress?.map(({ ip }) => ip).join(), annotations['metallb.io/ip-allocated-from-pool']].join(
        ' ',
      ),
    )
    .toSorted()
}

async function holds(node: string, address: string): Promise<boolean> {
  return (await lab.on(node, 'ip -o addr')).stdout.includes(` ${address}/`)
}

async function holdersOf(address: string): Promise<readonly string[]> {
  const nodes = ['optiplex-1', 'optiplex-2', 'ubuntu-1']
  const held = await Promise.all(nodes.map((node) => holds(node, address)))
  return nodes.filter((_, at) => held[at])
}

/** The attributes of a prefix that the router has, and how many nodes told it. */
async function onRouter(prefix: string): Promise<{ readonly paths: number; readonly text: string }> {
  const { stdout } = await lab.on('tor', `vtysh -c 'show bgp ipv4 unicast ${prefix}'`)
  return { paths: stdout.match(/^ {4}192\.168\.0\.\d+ from /gm)?.length ?? 0, text: stdout }
}

test('they are applied without a warning, and again without a change', async () => {
  const first = await lab.on('client', APPLY)
  expect([first.exitCode, first.stderr]).toEqual([0, ''])
  expect(
    first.stdout
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith(' created')),
  ).toEqual([])
  const again = (await lab.client(APPLY)).trim().split('\n')
  expect(again.filter((line) => !line.endsWith(' unchanged'))).toEqual([])
})

test('every Service has what it asks for, from the pool that is for it', async () => {
  await expect
    .poll(services, soon)
    .toEqual([
      'any 192.168.10.0 prefix-and-range',
      'cart 192.168.14.0 team',
      'dns-tcp 192.168.10.19 prefix-and-range',
      'dns-udp 192.168.10.19 prefix-and-range',
      'from-pool 192.168.11.0 on-request',
      'old-annotation 192.168.12.254 no-buggy',
      'other-class  ',
      'two-addresses 192.168.10.18,fd00:192:168::1008 prefix-and-range',
    ])
  await expect
    .poll(
      () => kubectl("get ipaddresspool no-buggy -n metallb-system -o jsonpath='{.status.assignedIPv4} {.status.availableIPv4}'"),
      soon,
    )
    .toBe('1 1')
  const said = await lab.on('client', 'fairway pools')
  expect([said.exitCode, said.stderr]).toEqual([0, ''])
})

describe('with pods behind them', () => {
  beforeAll(async () => {
    await kubectl('apply -f -', PODS.join('---\n'))
    await kubectl('wait -n metallb-shop --for=condition=Ready pods --all --timeout=30s')
  })

  test.each([
    ['192.168.10.0', 'optiplex-2'],
    ['192.168.10.18', 'optiplex-2'],
    ['fd00:192:168::1008', 'optiplex-2'],
    ['192.168.11.0', 'ubuntu-1'],
  ])('L2Advertisements: %s is answered for by %s, and leads to a pod', async (address, node) => {
    await expect.poll(() => holdersOf(address), soon).toEqual([node])
    const host = address.includes(':') ? `[${address}]` : address
    await expect
      .poll(async () => (await lab.on('client', `curl -s -g -m 3 http://${host}`)).stdout, soon)
      .toContain('"pod":"web-')
  })

  test('what is advertised by BGP alone, nobody answers for on the segment', async () => {
    expect(await holdersOf('192.168.14.0')).toEqual([])
    expect(await holdersOf('192.168.12.254')).toEqual([])
  })

  test('BGPAdvertisements: communities by name, from the nodes of the peer, and BFD', async () => {
    await expect.poll(async () => (await onRouter('192.168.12.254/32')).paths, soon).toBe(2)
    const { text } = await onRouter('192.168.12.254/32')
    expect(text).toContain('Community: 64513:7 no-export')
    expect(text).toContain('Large Community: 64513:1:2')
    const bfd = JSON.parse((await lab.on('tor', "vtysh -c 'show bfd peers json'")).stdout) as readonly {
      peer: string
      status: string
    }[]
    const up = bfd.filter(({ status }) => status === 'up').map(({ peer }) => peer)
    expect(up).toEqual(expect.arrayContaining(['192.168.0.240', '192.168.0.161']))
  })

  test('a peer with a password speaks when the router has the same one, and announces the aggregate', async () => {
    const commands = [
      ...['configure terminal', 'router bgp 64512', 'neighbor 192.168.0.154 remote-as 64513'],
      ...['neighbor 192.168.0.154 password a-secret-word', 'address-family ipv4 unicast', 'neighbor 192.168.0.154 activate'],
    ]
    await lab.on('tor', `vtysh ${commands.map((command) => `-c '${command}'`).join(' ')}`)
    await expect.poll(async () => (await onRouter('192.168.14.0/30')).paths, soon).toBe(1)
    const said = await lab.on('client', 'fairway bgp peers --wait --timeout 30s')
    expect(said.stdout.match(/ok Established/g)).toHaveLength(3)
    const routes = await lab.on('client', 'fairway bgp routes metallb-shop/cart')
    expect(routes).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/192\.168\.14\.0\/30 +ubuntu-1 /) })
  })

  test('all that was made goes again', async () => {
    // a namespace that goes takes along what the files have after it
    await lab.client(
      `kubectl delete --ignore-not-found ${FILES.toReversed()
        .map((file) => `-f ${file}`)
        .join(' ')}`,
    )
    for (const address of ['192.168.10.0', '192.168.11.0']) await expect.poll(() => holdersOf(address), soon).toEqual([])
    await expect.poll(async () => (await onRouter('192.168.12.254/32')).paths, soon).toBe(0)
    await expect.poll(() => kubectl('get addressclaims,servicebgpstatuses,servicel2statuses -A -o name'), soon).toBe('')
  })
})
