/** A lab whose nodes announce addresses of Services by ARP and NDP, and what a client notices when something happens to the owner. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AgentState, ShownFinding } from '../../src/agent/state.ts'
import type { LabStatus } from '../../src/lab/status.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import type { ConnectionsResult } from '../live/l2/connections.ts'
import { lineOf, startProgram } from './live-flows.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from './live-lab.ts'
import { until } from './until.ts'

const PROGRAM = fileURLToPath(new URL('../live/l2/connections.ts', import.meta.url))
const SOON_IN_MS = 20_000

/** The nodes that may announce, the owner first; the pod is on the third one, so that only the address is at stake. */
export const ANNOUNCERS = ['optiplex-1', 'optiplex-2'] as const
export const FOUR = '192.168.9.0'
export const SIX = 'fd00:192:168::9:0'
/** Connections that are kept open through what happens. */
const HELD = 10

const OBJECTS = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: public }
spec: { addresses: [${FOUR}/24, '${SIX}/112'] }
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: public }
spec:
  nodeSelectors: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [${ANNOUNCERS.join(', ')}] }] }]
  preferredNodeSelectors: [{ weight: 1, preference: { matchLabels: { kubernetes.io/hostname: ${ANNOUNCERS[0]} } } }]
---
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  nodeName: ubuntu-1
  containers: [{ name: echo, image: fairway/echo }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  ipFamilies: [IPv4, IPv6]
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`

type AgentL2 = NonNullable<AgentState['l2']>

/** `up` first; `down` also after a failure. */
export class L2Failover {
  private readonly name: string
  private running: LiveLab | undefined

  /** `name` is the lab's. */
  constructor(name: string) {
    this.name = name
  }

  get lab(): LiveLab {
    if (this.running === undefined) throw new Error('the lab is not up')
    return this.running
  }

  async up(...flags: readonly string[]): Promise<void> {
    this.running = await bringUpLab(this.name, ...flags)
    await this.lab.client('kubectl apply -f -', OBJECTS)
    await this.lab.client('kubectl wait --for=condition=Ready pod/web --timeout=30s')
    await this.whole()
  }

  async down(): Promise<void> {
    await this.running?.down()
  }

  /** Runs a shell line on a node; returns what it printed. @throws {FairwayError} when it fails */
  onNode(node: string, line: string): Promise<string> {
    return run([FAIRWAY, 'lab', 'exec', '--name', this.name, node, '--', 'sh', '-c', line])
  }

  /** What an agent says of its announcements; undefined while it does not answer. */
  async stateOf(node: string): Promise<AgentL2 | undefined> {
    return (await this.agent(node))?.l2
  }

  /** What an agent has to tell. */
  async findingsOf(node: string): Promise<readonly ShownFinding[]> {
    return (await this.agent(node))?.findings ?? []
  }

  private async agent(node: string): Promise<Pick<AgentState, 'findings' | 'l2'> | undefined> {
    const socket = `/run/fairway/${this.name}/agent/${node}/agent.sock`
    const { exitCode, stdout } = await tryRun(['curl', '-s', '-m', '2', '--unix-socket', socket, 'http://agent/state'])
    return exitCode === 0 ? JSON.parse(stdout) : undefined
  }

  /** Resolves once both announcers live, know it, and each address has one owner that announces it. */
  async whole(addresses: readonly string[] = [FOUR, SIX]): Promise<void> {
    const wanted = addresses.toSorted().join()
    await until(
      () => Promise.all(ANNOUNCERS.map((node) => this.stateOf(node))),
      (states) =>
        states.every((state) => ANNOUNCERS.every((node) => state?.alive.includes(node))) &&
        states
          .flatMap((state) => state?.announced ?? [])
          .toSorted()
          .join() === wanted,
      SOON_IN_MS,
    )
  }

  /** Who answers for an address. */
  async ownerOf(address: string): Promise<string> {
    for (const node of ANNOUNCERS) if ((await this.stateOf(node))?.announced.includes(address)) return node
    throw new Error(`nobody announces ${address}`)
  }

  async pidOf(process_: string): Promise<number> {
    const status = JSON.parse((await this.lab.lab(['status', '-o', 'json'])).stdout) as LabStatus
    const pid = status.processes.find(({ name }) => name === process_)?.identity?.pid
    if (pid === undefined) throw new Error(`${process_} does not run`)
    return pid
  }

  birdOf(node: string): number {
    return Number(readFileSync(`/run/fairway/${this.name}/agent/${node}/bird/bird.pid`, 'utf8'))
  }

  /** Runs `fairway lab WORDS --name LAB`. */
  async fault(...words: readonly string[]): Promise<void> {
    await run([FAIRWAY, 'lab', ...words, '--name', this.name])
  }

  /** What the client notices, asking all the time, until `over` resolves after `happens`. */
  during(
    happens: () => Promise<void>,
    over: () => Promise<void>,
    addresses: readonly string[] = [FOUR, SIX],
  ): Promise<readonly ConnectionsResult[]> {
    return whileAsking(this.name, { held: HELD, intervalInMs: 10, addresses }, async () => {
      await happens()
      await over()
    })
  }

  /** Resolves once `node` announces both. */
  async takenOver(node: string): Promise<void> {
    const both = [FOUR, SIX].toSorted().join()
    await until(
      () => this.stateOf(node),
      (state) => state?.announced.join() === both,
      SOON_IN_MS,
    )
  }

  /** The one who is not. */
  other(node: string): string {
    return ANNOUNCERS.find((one) => one !== node) ?? ''
  }
}

/** What the client of a lab notices of `work`, asking these addresses on port 80 all the time. */
export async function whileAsking(
  lab: string,
  {
    held,
    intervalInMs,
    addresses,
  }: { readonly held: number; readonly intervalInMs: number; readonly addresses: readonly string[] },
  work: () => Promise<void>,
): Promise<readonly ConnectionsResult[]> {
  const client = startProgram(`fw-${lab}-client`, ['80', String(held), String(intervalInMs), ...addresses], PROGRAM)
  try {
    await lineOf(client) // it asks
    await work()
    const line = lineOf(client)
    client.stdin?.end()
    return JSON.parse(await line) as readonly ConnectionsResult[]
  } finally {
    client.kill('SIGKILL')
  }
}
