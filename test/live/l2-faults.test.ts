/** What goes wrong around announcers: those that hear each other by halves, machines that know nothing of them, interfaces and pools that change. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { FOUR, L2Failover, SIX } from '../support/l2-failover.ts'

const LAB = 't-l2-faults'
const rig = new L2Failover(LAB)
const [OWNER, OTHER] = ['optiplex-1', 'optiplex-2'] as const
const soon = { timeout: 30_000, interval: 100 }

/** Nobody has a subnet with such an address. */
const FAR = '203.0.113.0'
const LONELY = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: far }
spec: { addresses: [${FAR}/24], autoAssign: false }
---
apiVersion: v1
kind: Service
metadata: { name: lonely, annotations: { metallb.io/address-pool: far } }
spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`

/** A segment of which one of its two nodes has no interface. */
const NAMED = `
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: wan }
spec:
  ipAddressPools: [far]
  interfaces: [wan0]
  nodeSelectors: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [${OWNER}, ${OTHER}] }] }]
  preferredNodeSelectors: [{ weight: 1, preference: { matchLabels: { kubernetes.io/hostname: ${OWNER} } } }]
`

const poolOf = (addresses: string, annotations: string) => `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: edited, annotations: ${annotations} }
spec: { addresses: [${addresses}], autoAssign: false }
`

const EDITED = `
apiVersion: v1
kind: Service
metadata: { name: edited, annotations: { metallb.io/address-pool: edited } }
spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`

beforeAll(() => rig.up('--with', 'bgp'))
afterAll(() => rig.down())

async function on(host: string, line: string): Promise<string> {
  const { exitCode, stdout, stderr } = await rig.lab.on(host, line)
  expect(`${exitCode} ${stderr}`).toBe('0 ')
  return stdout
}

const codesOf = async (node: string) => (await rig.findingsOf(node)).map(({ code }) => code)

test('who announces is said: an object of the Service and the node, and an Event', async () => {
  const columns = 'custom-columns=N:.status.node,S:.status.serviceName,I:.status.interfaces[*].name'
  const said = () => rig.lab.client(`kubectl get servicel2statuses -A --no-headers -o '${columns}'`)
  await vi.waitFor(async () => expect((await said()).trim().split(/\s+/)).toEqual([OWNER, 'web', 'eth0']), soon)
  await rig.lab.client(`kubectl cordon ${OWNER}`)
  await vi.waitFor(async () => expect((await said()).trim().split(/\s+/)).toEqual([OTHER, 'web', 'eth0']), soon)
  await rig.lab.client(`kubectl uncordon ${OWNER}`)
  await vi.waitFor(async () => expect((await said()).trim().split(/\s+/)).toEqual([OWNER, 'web', 'eth0']), soon)
  await rig.fault('node', 'stop', OWNER) // it cannot take back what it said
  try {
    await vi.waitFor(async () => expect((await said()).trim().split(/\s+/)).toEqual([OTHER, 'web', 'eth0']), soon)
  } finally {
    await rig.fault('node', 'start', OWNER)
  }
  await vi.waitFor(async () => expect((await said()).trim().split(/\s+/)).toEqual([OWNER, 'web', 'eth0']), soon)
  const events = await rig.lab.client('kubectl get events --field-selector reason=nodeAssigned')
  expect(events).toContain(`announcing from node "${OTHER}" with protocol "layer2"`)
})

test('an address on no subnet is not announced, which its Service is told, until interfaces are named: then there, and nowhere else', async () => {
  const reply = 'ip route add 203.0.0.0/16 dev wan0' // as whoever names an interface without a subnet of the address has one
  await on(OWNER, `ip link add wan0 type veth peer name wan0 netns fw-${LAB}-client && ip addr add 198.51.100.1/24 dev wan0`)
  await on(OWNER, `ip link set wan0 up && ${reply}`)
  await on('client', 'ip link set wan0 up && ip addr add 203.0.113.9/16 dev wan0')
  await on('tor', 'ip addr add 203.0.113.8/16 dev eth0')
  const curl = (host: string) => rig.lab.on(host, `curl -sS -o /dev/null -m 1 http://${FAR}`)
  const neighbour = async (host: string, link: string) => (await on(host, `ip neigh show ${FAR} dev ${link}`)).trim()
  await rig.lab.client('kubectl apply -f -', LONELY)
  const told = () => rig.lab.client('kubectl get events --field-selector reason=NotAnnounced -o custom-columns=M:.message')
  await vi.waitFor(async () => expect(await told()).toMatch(/no node is on a subnet that holds it.*\(FW0630\)/), soon)
  expect((await curl('client')).exitCode).not.toBe(0)
  expect(await neighbour('client', 'wan0')).not.toContain('lladdr')

  await rig.lab.client('kubectl apply -f -', NAMED)
  await vi.waitFor(async () => expect((await curl('client')).exitCode).toBe(0), soon)
  expect(await neighbour('client', 'wan0')).toContain('lladdr')
  expect((await curl('tor')).exitCode).not.toBe(0)
  expect(await neighbour('tor', 'eth0')).not.toContain('lladdr')
  await vi.waitFor(async () => expect(await codesOf(OTHER)).toContain('FW0631'), soon)
  expect(await codesOf(OWNER)).not.toContain('FW0631')

  await rig.lab.client('kubectl delete -f -', `${NAMED}---${LONELY}`)
  await on(OWNER, 'ip link del wan0')
  await on('tor', 'ip addr del 203.0.113.8/16 dev eth0')
  await vi.waitFor(async () => expect([...(await codesOf(OWNER)), ...(await codesOf(OTHER))]).toEqual([]), soon)
})

test('a pool that changes takes no address from a Service, nor does its deletion, until it says that addresses may move', async () => {
  const kubectl = (words: string, input?: string) => rig.lab.client(`kubectl ${words}`, input)
  const pool = (addresses: string, annotations = '{}') => kubectl('apply -f -', poolOf(addresses, annotations))
  const path = '{range .status.conditions[?(@.type=="Ready")]}{.status} {.message}{end}'
  const condition = () => kubectl(`get ipaddresspool edited -o jsonpath='${path}'`)
  const columns = 'custom-columns=R:.reason,M:.message'
  const events = () => kubectl(`get events --field-selector involvedObject.name=edited -o ${columns}`)
  const current = () => kubectl("get service edited -o jsonpath='{.status.loadBalancer.ingress[*].ip}'")
  const announcers = async (address: string) => {
    const states = await Promise.all([OWNER, OTHER].map((node) => rig.stateOf(node)))
    return states.filter((state) => state?.announced.includes(address)).length
  }
  const isServed = async (address: string) => {
    await vi.waitFor(async () => expect(await current()).toBe(address), soon)
    await on('client', `ip neigh flush to ${address}`) // what it remembers is no answer
    await vi.waitFor(async () => expect((await rig.lab.on('client', `curl -sS -m 1 http://${address}`)).stderr).toBe(''), soon)
    expect(await announcers(address)).toBe(1)
  }

  await pool('192.168.30.1-192.168.30.2')
  await kubectl('apply -f -', EDITED)
  await isServed('192.168.30.1')

  await pool('192.168.30.2-192.168.30.9')
  await vi.waitFor(async () => expect(await condition()).toMatch(/^False .*edited keeps 192\.168\.30\.1/), soon)
  const kept = /keeps 192\.168\.30\.1, though pool edited does not have it/
  await vi.waitFor(async () => expect(await events()).toMatch(kept), soon)
  await isServed('192.168.30.1')

  await kubectl('delete ipaddresspool edited')
  await vi.waitFor(async () => expect(await events()).toMatch(/keeps 192\.168\.30\.1, though pool edited is gone/), soon)
  await isServed('192.168.30.1')

  await pool('192.168.30.2-192.168.30.9', `{ fairway.dev/move-addresses: 'true' }`)
  await isServed('192.168.30.2')
  await vi.waitFor(async () => expect(await events()).toMatch(/Assigned 192\.168\.30\.2 from pool edited/), soon)
  await vi.waitFor(async () => expect(await announcers('192.168.30.1')).toBe(0), soon)
  expect((await rig.lab.on('client', 'curl -sS -m 1 http://192.168.30.1')).exitCode).not.toBe(0)
  await kubectl('delete service edited')
  await kubectl('delete ipaddresspool edited')
})

test('a node that is cut off from everybody gives its addresses up, whether its interface knows it or not', {
  timeout: 90_000,
}, async () => {
  const held = async () =>
    (await on(OWNER, 'ip -br addr show eth0')).split(/[\s/]/).filter((word) => word === FOUR || word === SIX)
  const others = ['ubuntu-1', OTHER, 'tor']
  const faults = [
    [['node', 'cut', OWNER]],
    others.map((other) => ['link', 'cut', OWNER, other]), // its wire is there, and nobody answers
  ]
  for (const fault of faults) {
    expect(await held()).toEqual([FOUR, SIX])
    for (const words of fault) await rig.fault(...words)
    try {
      await rig.takenOver(OTHER)
      // a connection to the API server that is silent counts as heard for a while
      await vi.waitFor(async () => expect(await held()).toEqual([]), { timeout: 50_000, interval: 100 })
    } finally {
      for (const [what = '', , ...who] of fault) await rig.fault(what, 'heal', ...who)
    }
    await rig.takenOver(OWNER)
    await rig.whole()
  }
})

test('a stranger that says the address is its own is a finding, and the owner goes on', async () => {
  await on('tor', `ip addr add ${FOUR}/16 dev eth0`)
  // asking somebody new with that source is an ARP request that claims it
  const claim = (last: number) => rig.lab.on('tor', `curl -s -m 1 --interface ${FOUR} http://192.168.0.${last}`)
  let last = 200
  await vi.waitFor(async () => {
    await claim(last++)
    expect(await codesOf(OWNER)).toContain('FW0632')
  }, soon)
  const [finding] = (await rig.findingsOf(OWNER)).filter(({ code }) => code === 'FW0632')
  expect(finding?.subjects).toEqual([`node/${OWNER}`, 'service/default/web'])
  await on('tor', `ip addr del ${FOUR}/16 dev eth0`)
  expect((await rig.stateOf(OWNER))?.announced).toEqual([FOUR, SIX].toSorted())
  await vi.waitFor(async () => expect((await rig.lab.on('client', `curl -s -m 2 http://${FOUR}`)).exitCode).toBe(0), soon)
})
