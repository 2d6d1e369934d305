/** Pods that can be reached from everywhere: nodes announce them, the routers pass it on, and far-client curls them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { tryRun } from '../../src/linux/run.ts'
import { report } from '../support/bgp-failover.ts'
import { startAsking, startEcho } from '../support/live-flows.ts'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

const LAB = 't-podroutes'
const soon = { timeout: 20_000, interval: 100 }
const FAR = { ipv4: '172.30.0.10', ipv6: 'fd00:172:30::10' } as const

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: echo, labels: { app: echo } }
spec:
  nodeName: optiplex-1
  containers: [{ name: echo, image: fairway/echo, readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 } }]
`

let lab: LiveLab
const addresses: { ipv4: string; ipv6: string } = { ipv4: '', ipv6: '' }
beforeAll(async () => {
  lab = await bringUpLab(LAB, '--with', 'bgp')
  await lab.client('kubectl apply -f -', POD)
  await lab.client('kubectl wait --for=condition=Ready pod/echo --timeout=30s')
  const ips = (await lab.client("kubectl get pod echo -o jsonpath='{.status.podIPs[*].ip}'")).trim().split(' ')
  addresses.ipv4 = ips.find((ip) => !ip.includes(':')) ?? ''
  addresses.ipv6 = ips.find((ip) => ip.includes(':')) ?? ''
})
afterAll(() => lab?.down())

const kubectl = (line: string, input?: string): Promise<string> => lab.client(`kubectl ${line}`, input)

const urlOf = (family: 'ipv4' | 'ipv6'): string =>
  family === 'ipv4' ? `http://${addresses.ipv4}:8080` : `http://[${addresses.ipv6}]:8080`

/** What the pod says of who asked; undefined when it cannot be reached. */
async function asked(family: 'ipv4' | 'ipv6', from = 'far-client'): Promise<string | undefined> {
  const { stdout, exitCode } = await lab.on(from, `curl -s -g -m 3 '${urlOf(family)}'`)
  return exitCode === 0 ? (JSON.parse(stdout).client.address as string) : undefined
}

/** The pod's network namespace, by its address. */
async function namespaceOf(address: string): Promise<string> {
  for (const name of readdirSync('/run/netns').filter((one) => one.startsWith(`fw-${LAB}-pod-`)))
    if ((await tryRun(['ip', '-n', name, '-o', 'addr'])).stdout.includes(` ${address}/`)) return name
  throw new Error(`no pod has ${address}`)
}

test.each(['ipv4', 'ipv6'] as const)('before anything is applied, no pod is reached from outside over %s', async (family) => {
  expect(await asked(family)).toBeUndefined()
})

const EXAMPLES = `-f ${process.cwd()}/examples/bgp/peers.yaml -f ${process.cwd()}/examples/bgp/pod-routes.yaml`

describe('with the examples applied', () => {
  beforeAll(async () => {
    await kubectl(`apply ${EXAMPLES}`)
  })

  test.each(['ipv4', 'ipv6'] as const)('far-client reaches the pod over %s, which sees its own address', async (family) => {
    await expect.poll(() => asked(family), soon).toBe(FAR[family])
  })

  describe('what a pod asks of others', () => {
    const servers: ChildProcess[] = []
    beforeAll(async () => {
      for (const host of ['client', 'far-client']) {
        const [program = '', ...args] = inNetns(`fw-${LAB}-${host}`, [
          process.execPath,
          'src/main.ts',
          'lab-echo',
          '--http',
          '9000',
        ])
        const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
        servers.push(server)
        await once(server.stdout, 'data')
      }
    })
    afterAll(() => {
      for (const server of servers) server.kill()
    })

    /** Whom a server sees when the pod asks it. */
    async function seenBy(url: string): Promise<string> {
      const { stdout } = await tryRun(inNetns(await namespaceOf(addresses.ipv4), ['curl', '-s', '-g', '-m', '5', url]))
      return JSON.parse(stdout).client.address as string
    }

    test('comes from the pod where its source is kept, and from its node elsewhere', async () => {
      expect(await seenBy(`http://${FAR.ipv4}:9000`)).toBe(addresses.ipv4)
      expect(await seenBy(`http://[${FAR.ipv6}]:9000`)).toBe(addresses.ipv6)
      expect(await seenBy('http://192.168.0.10:9000')).toBe('192.168.0.240')
      expect(await seenBy('http://[fd00:192:168::10]:9000')).toBe('fd00:192:168::240')
    })
  })

  test('pods that are chosen are announced one by one, as long as they are Ready', async () => {
    const known = async (): Promise<string> => (await lab.on('tor', `vtysh -c 'show bgp ipv4 ${addresses.ipv4}/32'`)).stdout
    await kubectl(`apply -f ${process.cwd()}/examples/bgp/single-pods.yaml`)
    expect(await known()).toContain('Network not in table')
    await kubectl('label pod echo reachable=directly')
    await expect.poll(known, soon).toContain('Community: 64513:80')
    const passedOn = async (): Promise<string> => (await lab.on('agg', 'ip route; ip -6 route')).stdout
    await expect.poll(passedOn, soon).toMatch(new RegExp(`^${addresses.ipv6} .*proto bgp`, 'm'))
    await kubectl('label pod echo reachable-')
    await expect.poll(known, soon).toContain('Network not in table')
    await expect.poll(() => asked('ipv4'), soon).toBe(FAR.ipv4)
    await kubectl('delete podrouteadvertisement chosen')
  })

  describe('whatever is killed and started again', () => {
    const PORT = 7_007
    const NODE = 'optiplex-1'
    type Victim = 'agent' | 'BIRD'

    let echo: ChildProcess
    beforeAll(async () => {
      echo = await startEcho(await namespaceOf(addresses.ipv4), addresses.ipv4, PORT)
    })
    afterAll(() => echo?.kill())

    const agentOf = async (): Promise<{ identity?: { pid: number }; restarts: number; phase: string }> => {
      const { processes } = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
      return processes.find(({ name }: { name: string }) => name === `agent-${NODE}`)
    }
    const birdPid = (): number => Number(readFileSync(`/run/fairway/${LAB}/agent/${NODE}/bird/bird.pid`, 'utf8'))

    /** The address of the session, from the router's side, and whether BFD watches over it. */
    const sessionIs = async (): Promise<unknown> => {
      const { stdout } = await lab.on('tor', "vtysh -c 'show bgp neighbors 192.168.0.240 json'")
      const neighbor = JSON.parse(stdout)['192.168.0.240']
      return neighbor === undefined ? undefined : [neighbor.bgpState, neighbor.peerBfdInfo?.status]
    }

    async function afterKilling(victims: readonly Victim[]) {
      await expect.poll(() => asked('ipv4'), soon).toBe(FAR.ipv4)
      const before = await agentOf()
      const bird = birdPid()
      const asking = await startAsking(`fw-${LAB}-far-client`, addresses.ipv4, PORT, 8)
      if (victims.includes('agent')) process.kill(before.identity?.pid ?? 0, 'SIGKILL')
      if (victims.includes('BIRD')) process.kill(bird, 'SIGKILL')
      if (victims.includes('agent'))
        await expect.poll(agentOf, soon).toMatchObject({ phase: 'ready', restarts: before.restarts + 1 })
      if (victims.includes('BIRD')) await expect.poll(birdPid, soon).not.toBe(bird)
      else expect(birdPid()).toBe(bird)
      await expect.poll(sessionIs, soon).toEqual(['Established', 'Up'])
      await expect.poll(() => asked('ipv6'), soon).toBe(FAR.ipv6)
      const result = await asking.end()
      report(`${victims.join(' and ')} killed`, result)
      return result
    }

    test.each<[string, readonly Victim[]]>([
      ['the agent', ['agent']],
      ['BIRD', ['BIRD']],
      ['both', ['agent', 'BIRD']],
    ])('%s: no packet is lost', { timeout: 60_000 }, async (_, victims) => {
      await expect.poll(sessionIs, soon).toEqual(['Established', 'Up'])
      expect(await afterKilling(victims)).toMatchObject({ lost: 0 })
    })

    test('without graceful restart packets would be', { timeout: 60_000 }, async () => {
      const example = await readFile('examples/bgp/peers.yaml', 'utf8')
      const without = example.replace(/^ *enableGracefulRestart.*\n/m, '')
      expect(without).not.toBe(example)
      await kubectl('delete bgppeer tor')
      await kubectl('apply -f -', without)
      await expect.poll(sessionIs, soon).toEqual(['Established', 'Up'])
      expect((await afterKilling(['agent', 'BIRD'])).lost).toBeGreaterThan(0)
    })
  })
})
