/** `keepSourceTo` in a whole lab: whom a host behind two routers sees when a pod calls it, past the lab's own masquerade. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

const LAB = 't-keepsource'
const PORT = 7070
const NODE = 'optiplex-1'
const FAR = ['172.30.0.10', 'fd00:172:30::10']
/** A host on the nodes' own link, which no range holds. */
const NEAR = ['192.168.0.10', 'fd00:192:168::10']
const NODE_ADDRESSES = ['192.168.0.240', 'fd00:192:168::240']
const [SERVER, PROBE] = ['server', 'probe'].map((name) => fileURLToPath(new URL(`./datapath/${name}.ts`, import.meta.url)))
const soon = { timeout: 20_000, interval: 100 }

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: caller }
spec: { nodeName: ${NODE}, containers: [{ name: echo, image: fairway/echo }] }
`
const announced = (keepSourceTo: readonly string[]) => `
apiVersion: fairway.dev/v1alpha1
kind: PodRouteAdvertisement
metadata: { name: ranges }
spec: { nodePodCIDRs: true, keepSourceTo: ${JSON.stringify(keepSourceTo)} }
`

let lab: LiveLab
let namespace = ''
let pod: readonly string[] = []
const servers: ChildProcess[] = []
beforeAll(async () => {
  lab = await bringUpLab(LAB, '--with', 'bgp')
  await lab.client(`kubectl apply -f ${process.cwd()}/examples/bgp/peers.yaml -f -`, POD)
  await lab.client('kubectl apply -f -', announced([]))
  await lab.client('kubectl wait --for=condition=Ready pod/caller --timeout=30s')
  pod = (await lab.client("kubectl get pod caller -o jsonpath='{.status.podIPs[*].ip}'")).trim().split(' ')
  namespace = await namespaceOf(pod[0] ?? '')
  for (const host of ['far-client', 'client']) await serve(`fw-${LAB}-${host}`)
})
afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL')
  await lab?.down()
})

async function namespaceOf(address: string): Promise<string> {
  for (const name of readdirSync('/run/netns').filter((one) => one.startsWith(`fw-${LAB}-pod-`)))
    if ((await tryRun(['ip', '-n', name, '-o', 'addr'])).stdout.includes(` ${address}/`)) return name
  throw new Error(`no pod has ${address}`)
}

/** Answers with the address of who asks. */
async function serve(netns: string): Promise<void> {
  const [program = '', ...args] = inNetns(netns, [process.execPath, SERVER ?? '', 'far', String(PORT)])
  const server = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  servers.push(server)
  await once(server.stdout, 'data')
}

/** As whom the pod is seen, at each address, by TCP and by UDP; or what went wrong. */
async function seenAt(addresses: readonly string[]): Promise<readonly string[]> {
  const lines = addresses.flatMap((address) => [`tcp ${address} ${PORT}`, `udp ${address} ${PORT}`])
  const answers = JSON.parse(await run(inNetns(namespace, [process.execPath, PROBE ?? '']), { input: lines.join('\n') }))
  return (answers as readonly string[]).map((answer) => answer.split(' ')[1] ?? answer)
}
const twice = (addresses: readonly string[]): readonly string[] => addresses.flatMap((address) => [address, address])

interface AgentProcess {
  readonly name: string
  readonly identity?: { readonly pid: number }
  readonly restarts: number
  readonly phase: string
}

async function agent(): Promise<AgentProcess | undefined> {
  const { processes } = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout) as { processes: readonly AgentProcess[] }
  return processes.find(({ name }) => name === `agent-${NODE}`)
}

test('the network plugin decides, until a range is named', async () => {
  // the nodes learn the way to the far range from the routers, maybe after the pod is Ready
  await expect.poll(() => seenAt(FAR), soon).toEqual(twice(NODE_ADDRESSES))
})

test('to the range the pod keeps its address, and the way back is by BGP; elsewhere the plugin decides', async () => {
  await lab.client('kubectl apply -f -', announced(['172.30.0.0/24', 'fd00:172:30::/64']))
  await expect.poll(() => seenAt(FAR), soon).toEqual(twice(pod))
  expect(await seenAt(NEAR)).toEqual(twice(NODE_ADDRESSES))
})

/** What leaves sets of the node's kernel, in nft's words, from now on. */
async function watchRemovals(): Promise<{ readonly text: () => string }> {
  const [program = '', ...args] = inNetns(`fw-${LAB}-${NODE}`, ['stdbuf', '-oL', 'nft', 'monitor', 'destroy', 'elements'])
  const watch = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  servers.push(watch)
  let text = ''
  watch.stdout.on('data', (data: Buffer) => {
    text += data.toString()
  })
  // it says nothing when it is ready: what it is told must come back
  const probe = async () => {
    const nft = (line: string) => run(inNetns(`fw-${LAB}-${NODE}`, ['nft', line]))
    await nft('add table ip t; add set ip t s { type ipv4_addr; }; add element ip t s { 192.0.2.1 }')
    await nft('delete element ip t s { 192.0.2.1 }')
    return text
  }
  await expect.poll(probe, soon).toContain('192.0.2.1')
  return { text: () => text }
}

test('an agent that is started anew takes no range out, not for a moment', { timeout: 60_000 }, async () => {
  const before = await agent()
  const removals = await watchRemovals()
  process.kill(before?.identity?.pid ?? 0, 'SIGKILL')
  const restarts = (before?.restarts ?? 0) + 1
  await expect.poll(agent, { timeout: 40_000, interval: 100 }).toMatchObject({ restarts, phase: 'ready' })
  expect(await seenAt(FAR)).toEqual(twice(pod))
  expect(removals.text()).not.toContain('keep_source')
  await lab.client('kubectl apply -f -', announced(['172.30.0.0/24']))
  await expect.poll(removals.text, soon).toContain('keep_source')
})

test('without the advertisement the plugin decides again', async () => {
  await lab.client('kubectl delete podrouteadvertisement ranges')
  await expect.poll(() => seenAt(FAR), soon).toEqual(twice(NODE_ADDRESSES))
})
