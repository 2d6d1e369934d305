/** Real faults: nodes that lose their power, wires that are cut, and labs of other shapes. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HostStatus, LabStatus } from '../../src/lab/status.ts'
import { DEFAULT_TOPOLOGY } from '../../src/lab/topology.ts'
import { standingNamespaces } from '../../src/lab/wires/sweep.ts'
import { tryRun } from '../../src/linux/run.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from '../support/live-lab.ts'

const example = (file: string) => fileURLToPath(new URL(`../../examples/topologies/${file}`, import.meta.url))

const WEB = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { containers: [{ name: nginx, image: nginx, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, nodePort: 30018 }] }
`

/** `near` stays; `far` is on the node that the tests break. */
const TWO_NODES = `
apiVersion: v1
kind: Pod
metadata: { name: near, labels: { app: near } }
spec: { nodeName: optiplex-1, containers: [{ name: echo, image: fairway/echo, ports: [{ containerPort: 8080, hostPort: 8080 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: far }
spec:
  nodeName: optiplex-2
  tolerations: [{ operator: Exists }]
  containers: [{ name: echo, image: fairway/echo, ports: [{ containerPort: 8080, hostPort: 8080 }] }]
`

const NEAR = '192.168.0.240'
const FAR = '192.168.0.161'

async function statusOf(lab: LiveLab): Promise<LabStatus> {
  return JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
}

async function host(lab: LiveLab, name: string): Promise<HostStatus | undefined> {
  return (await statusOf(lab)).hosts.find((one) => one.name === name)
}

/** Runs `fairway lab node|link VERB ... --name LAB` and fails with what it printed. */
async function fault(lab: LiveLab, ...words: readonly string[]): Promise<string> {
  const result = await tryRun([FAIRWAY, 'lab', ...words, '--name', lab.name])
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  return result.stdout.trim()
}

describe('one lab', () => {
  let lab: LiveLab
  beforeAll(async () => {
    lab = await bringUpLab('t-faults')
    await lab.client('kubectl apply -f -', TWO_NODES)
    await lab.client('kubectl wait --for=condition=Ready pod/near pod/far --timeout=30s')
  })
  afterAll(() => lab?.down())

  /** What the client hears of a hostPort within a second: the pod's name, or '' for silence. */
  const heard = async (address: string, from = 'client'): Promise<string> => {
    const { stdout } = await lab.on(from, `curl -s -m 1 http://${address}:8080`)
    return stdout === '' ? '' : JSON.parse(stdout).pod
  }
  const becomes = (what: () => Promise<unknown>, value: unknown) =>
    expect.poll(what, { interval: 100, timeout: 20_000 }).toEqual(value)

  test('a node that is stopped is silent, and traffic to the others goes on', async () => {
    await becomes(() => heard(NEAR), 'near')
    await becomes(() => heard(FAR), 'far')
    const steady = lab.client(
      `for i in $(seq 40); do curl -s -o /dev/null -m 2 -w '%{http_code} ' http://${NEAR}:8080; sleep 0.02; done`,
    )
    // A download that the node is in the midst of hears nothing of its end: no FIN, no reset.
    const download = lab.on('client', `curl -s -o /dev/null -m 3 'http://${FAR}:8080/bytes?count=100000000&rate=1000000'`)
    await becomes(async () => (await lab.on('client', `ss -Hnt state established dst ${FAR}`)).stdout !== '', true)
    expect(await fault(lab, 'node', 'stop', 'optiplex-2')).toBe('optiplex-2 is stopped')
    expect(new Set((await steady).trim().split(' '))).toEqual(new Set(['200']))
    expect((await download).exitCode).toBe(28)
    expect(await heard(FAR)).toBe('')
    const { hosts, processes } = await statusOf(lab)
    expect(hosts.find(({ name }) => name === 'optiplex-2')).toMatchObject({ state: 'stopped' })
    const its = processes.filter(({ host: at }) => at === 'optiplex-2')
    expect(its.map(({ phase, identity }) => [phase, identity])).toEqual([
      ['stopped', undefined],
      ['stopped', undefined],
    ])
    expect(standingNamespaces(lab.name, DEFAULT_TOPOLOGY)).not.toContain('fw-t-faults-optiplex-2')
    expect(await fault(lab, 'node', 'stop', 'optiplex-2')).toBe('optiplex-2 was stopped already')
    expect((await lab.on('optiplex-2', 'true')).stderr).toContain('error FW0916 optiplex-2 is stopped.')
  })

  test('`up` says what is stopped, and the API hears of it', async () => {
    expect((await lab.lab(['up'])).stderr).toContain('optiplex-2 is stopped; end that with:  fairway lab node start optiplex-2')
    await becomes(async () => (await host(lab, 'optiplex-2'))?.ready, false)
    const { stdout, stderr } = await lab.lab(['status'])
    expect(stdout).toMatch(/^optiplex-2 +node +stopped +no /m)
    expect(stderr).toContain('The node optiplex-2 is not Ready: optiplex-2 is stopped.')
  })

  test('the supervisor dies, and `up` leaves the node as it was', async () => {
    const [supervisor] = (await statusOf(lab)).processes
    process.kill(supervisor?.identity?.pid ?? 0, 'SIGKILL')
    expect(JSON.parse((await lab.lab(['up', '-o', 'json'])).stdout)).toMatchObject({
      how: 'recovered',
      nodes: 2,
      faults: { stopped: ['optiplex-2'] },
    })
    await becomes(() => heard(NEAR), 'near')
    expect(await heard(FAR)).toBe('')
  })

  test('started, it is Ready again', async () => {
    expect(await fault(lab, 'node', 'start', 'optiplex-2')).toBe('optiplex-2 is up again')
    await becomes(async () => (await host(lab, 'optiplex-2'))?.ready, true)
    await lab.client(
      'kubectl delete pod far --ignore-not-found --wait --grace-period=0 --force 2>/dev/null; kubectl apply -f -',
      TWO_NODES,
    )
    await becomes(() => heard(FAR), 'far')
    expect(await fault(lab, 'node', 'start', 'optiplex-2')).toBe('optiplex-2 was not stopped')
  })

  test('a node that is cut off goes on alone, and is NotReady until it is healed', async () => {
    const before = (await statusOf(lab)).processes.find(({ name }) => name === 'lab-kubelet-optiplex-2')
    expect(await fault(lab, 'node', 'cut', 'optiplex-2')).toBe('optiplex-2 is cut off')
    expect(await heard(FAR)).toBe('')
    await becomes(() => heard(NEAR), 'near')
    await becomes(() => heard(FAR, 'optiplex-2'), 'far')
    expect(await host(lab, 'optiplex-2')).toMatchObject({ state: 'cut' })
    await becomes(async () => (await host(lab, 'optiplex-2'))?.ready, false)
    expect(await fault(lab, 'node', 'heal', 'optiplex-2')).toBe('optiplex-2 is connected again')
    await becomes(async () => (await host(lab, 'optiplex-2'))?.ready, true)
    expect((await statusOf(lab)).processes.find(({ name }) => name === 'lab-kubelet-optiplex-2')).toEqual(before)
  })

  test('a link that is cut between two hosts is silent for them alone, in both families', async () => {
    expect(await fault(lab, 'link', 'cut', 'client', 'optiplex-1')).toBe('client and optiplex-1 do not hear each other')
    expect([await heard(NEAR), await heard('[fd00:192:168::240]')]).toEqual(['', ''])
    await becomes(() => heard(NEAR, 'optiplex-2'), 'near')
    expect(await host(lab, 'client')).toMatchObject({ state: 'up', cutFrom: ['optiplex-1'] })
    expect(await fault(lab, 'link', 'heal', 'optiplex-1', 'client')).toBe('optiplex-1 and client hear each other again')
    // A neighbour that did not answer is asked again within a second or so.
    await becomes(() => heard(NEAR), 'near')
    await becomes(() => heard('[fd00:192:168::240]'), 'near')
  })

  test('a router can be cut, an unknown host cannot', async () => {
    await fault(lab, 'link', 'cut', 'tor')
    expect((await lab.on('client', 'curl -s -m 1 http://10.244.1.2:8080')).exitCode).toBe(28)
    await fault(lab, 'link', 'heal', 'tor')
    const unknown = await tryRun([FAIRWAY, 'lab', 'link', 'cut', 'nobody', '--name', lab.name])
    expect(unknown.exitCode).toBe(2)
    expect(unknown.stderr).toContain('Use one of: client, ubuntu-1, optiplex-1, optiplex-2, tor.')
    await becomes(async () => (await statusOf(lab)).findings, [])
  })

  test('the control plane can be stopped and started, and keeps its objects', async () => {
    await fault(lab, 'node', 'stop', 'ubuntu-1')
    const dead = await lab.lab(['status'])
    expect(dead.exitCode).toBe(3)
    expect(dead.stderr).toContain('fairway lab node start ubuntu-1')
    await becomes(() => heard(NEAR), 'near')
    await fault(lab, 'node', 'start', 'ubuntu-1')
    expect(await lab.client('kubectl get pod near -o name')).toBe('pod/near\n')
  })

  test('a pod that waits for an image finds it once it is added', async () => {
    await lab.client(
      'kubectl apply -f -',
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"added"},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"team/hello:1"}]}}',
    )
    const reason = async () =>
      lab.client("kubectl get pod added -o jsonpath='{.status.containerStatuses[0].state.waiting.reason}'")
    await expect.poll(reason, { interval: 100, timeout: 10_000 }).toMatch(/^(ErrImagePull|ImagePullBackOff)$/)
    await fault(
      lab,
      'image',
      'add',
      'team/hello',
      '--command',
      'sh',
      '--arg',
      '-c',
      '--arg',
      'echo hello $WHO',
      '--env',
      'WHO=you',
    )
    expect(await fault(lab, 'image', 'list')).toMatch(/^team\/hello +added +\S+\/sh -c echo hello \$WHO$/m)
    await lab.client("kubectl wait pod/added --for=jsonpath='{.status.phase}'=Succeeded --timeout=30s")
    expect(await lab.client('kubectl logs added')).toBe('hello you\n')
    expect(await fault(lab, 'image', 'remove', 'team/hello')).toBe('image team/hello is removed')
  })

  test('another topology is refused, and what is broken is gone with the lab', async () => {
    const other = await lab.lab(['up', '-f', example('two-nodes-ipv6.yaml')])
    expect(other.stderr).toContain('error FW0915 The lab t-faults has another topology')
    expect(await lab.lab(['up', '-f', example('seed.yaml')])).toMatchObject({ exitCode: 0 })
    await fault(lab, 'node', 'stop', 'optiplex-2')
    await fault(lab, 'link', 'cut', 'client')
    await lab.down()
    expect(standingNamespaces(lab.name, DEFAULT_TOPOLOGY)).toEqual([])
  })
})

describe.each([
  ['two-nodes-ipv6.yaml', ['[fd00:192:168::14]', '[fd00:192:168::15]', 'south'], 'fd00:10:96::1'],
  ['four-nodes-ipv4.yaml', ['172.20.0.20', '172.20.0.21', '172.20.0.100', 'd'], '10.60.0.1'],
])('the lab of %s', (file, nodes, clusterAddress) => {
  let lab: LiveLab
  beforeAll(async () => {
    lab = await bringUpLab('t-shape', '-f', example(file))
  })
  afterAll(() => lab?.down())

  test('an nginx Pod answers through a NodePort of every node, and the API under its cluster address', async () => {
    await lab.client('kubectl apply -f -', WEB)
    await lab.client('kubectl wait --for=condition=Ready pod/web --timeout=30s')
    for (const node of nodes) {
      const page = () => lab.client(`curl -s -g -m 3 http://${node}:30018 || true`)
      await expect.poll(page, { interval: 100, timeout: 10_000 }).toContain('Welcome to nginx!')
    }
    expect(await lab.client("kubectl get service kubernetes -o jsonpath='{.spec.clusterIP}'")).toBe(clusterAddress)
    expect((await statusOf(lab)).findings).toEqual([])
  })

  test('the file says the same of the running lab, so `up -f` succeeds', async () => {
    expect(JSON.parse((await lab.lab(['up', '-f', example(file), '-o', 'json'])).stdout)).toMatchObject({ how: 'already' })
  })

  test('without its record, `down` still finds every namespace', async () => {
    const { hosts } = await statusOf(lab)
    await tryRun(['rm', `/run/fairway/${lab.name}/lab.json`])
    expect(standingNamespaces(lab.name, DEFAULT_TOPOLOGY).filter((name) => !name.includes('-pod-'))).toHaveLength(
      hosts.length + 1,
    )
    await lab.down()
    const { stdout } = await tryRun(['ip', 'netns', 'list'])
    expect(stdout.split('\n').filter((line) => line.startsWith(`fw-${lab.name}-`))).toEqual([])
  })
})
