/** Deployments on a whole lab: rollouts under load lose nothing; drained and dead nodes lose their pods to others. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { run } from '../../src/linux/run.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from '../support/live-lab.ts'

// rollouts take their time on a busy machine
vi.setConfig({ testTimeout: 120_000 })

let lab: LiveLab

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: echo
        image: fairway/echo
        lifecycle: { preStop: { sleep: { seconds: 2 } } }
        readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: each }
spec:
  selector: { matchLabels: { app: each } }
  template:
    metadata: { labels: { app: each } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: echo, image: fairway/echo, ports: [{ containerPort: 8080, hostPort: 8081 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: NodePort
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }]
`
const URLS = ['http://192.168.0.154:30080/', 'http://192.168.0.240:30080/', 'http://192.168.0.161:30080/']

const READY_NODES =
  'kubectl get endpointslices -l kubernetes.io/service-name=web -o jsonpath=\'{range .items[*].endpoints[?(@.conditions.ready==true)]}{.nodeName}{"\\n"}{end}\''
const ADDRESSES: Readonly<Record<string, string>> = { 'optiplex-1': '192.168.0.240', 'optiplex-2': '192.168.0.161' }

interface LoadResult {
  readonly asked: number
  readonly answered: number
  readonly pods: Readonly<Record<string, number>>
  /** Of each, when it was asked, since the load began. */
  readonly failures: readonly { readonly askedAtInMs: number }[]
}

beforeAll(async () => {
  lab = await bringUpLab('t-rollout')
  await lab.client('kubectl apply -f -', WEB)
  await lab.client('kubectl rollout status deployment/web --timeout=40s')
})
afterAll(() => lab?.down())

/** Constant load from the client while `work` is done. */
async function underLoad(urls: readonly string[], work: () => Promise<void>, perSecond = 200): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), 'fairway-load-'))
  try {
    const stop = join(folder, 'stop')
    const program = fileURLToPath(new URL('rollout/load.mjs', import.meta.url))
    const load = lab.client(`'${process.execPath}' '${program}' '${stop}' ${perSecond} ${urls.join(' ')}`)
    try {
      await work()
    } finally {
      await writeFile(stop, '')
    }
    return JSON.parse(await load) as LoadResult
  } finally {
    await rm(folder, { recursive: true })
  }
}

const rollout = 'kubectl rollout status deployment/web --timeout=40s'
const podNames = async (): Promise<readonly string[]> =>
  (await lab.client("kubectl get pods -l app=web -o jsonpath='{.items[*].metadata.name}'")).split(' ').toSorted()

test('a rolling update, an undo and a restart under NodePort load: no failed request', async () => {
  const before = await podNames()
  const result = await underLoad(URLS, async () => {
    await lab.client(`kubectl set env deployment/web COLOUR=green && ${rollout}`)
    await lab.client(`kubectl rollout undo deployment/web && ${rollout}`)
    await lab.client(`kubectl rollout restart deployment/web && ${rollout}`)
  })
  expect(result.failures).toEqual([])
  expect(result.answered).toBeGreaterThan(500)
  expect(Object.keys(result.pods).filter((pod) => !before.includes(pod)).length).toBeGreaterThanOrEqual(6)
  const history = await lab.client('kubectl rollout history deployment/web')
  expect(history.match(/^\d+/gm)).toEqual(['2', '3', '4'])
  const events = await lab.client('kubectl get events --field-selector reason=ScalingReplicaSet')
  expect(events).toMatch(/Scaled up replica set web-\w+ from 0 to 1/)
})

test('scale, pause and resume', async () => {
  await lab.client(`kubectl scale deployment/web --replicas=5 && ${rollout}`)
  expect(await lab.client('kubectl get deployment web --no-headers')).toMatch(/^web\s+5\/5\s+5\s+5\s/)
  await lab.client('kubectl rollout pause deployment/web && kubectl set env deployment/web COLOUR=blue')
  await lab.client(
    'kubectl wait deployment/web --for=jsonpath=\'{.status.conditions[?(@.reason=="DeploymentPaused")].status}\'=Unknown',
  )
  await lab.client(`kubectl scale deployment/web --replicas=3`)
  await lab.client(`kubectl rollout resume deployment/web && ${rollout}`)
  expect(await lab.client("kubectl get pods -l app=web -o jsonpath='{.items[*].spec.containers[0].env[*].value}'")).toContain(
    'blue',
  )
})

test('a DaemonSet has a pod on every node, and renews them one after the other', async () => {
  const status = 'kubectl rollout status daemonset/each --timeout=40s'
  await lab.client(status)
  const nodes = async () =>
    (await lab.client("kubectl get pods -l app=each -o jsonpath='{.items[*].spec.nodeName}'")).split(' ').toSorted()
  expect(await nodes()).toEqual(['optiplex-1', 'optiplex-2', 'ubuntu-1'])
  await lab.client(`kubectl set env daemonset/each COLOUR=green && ${status}`)
  const colours = "kubectl get pods -l app=each -o jsonpath='{.items[*].spec.containers[0].env[*].value}'"
  expect(await lab.client(colours)).toBe('green green green')
  const numbers = "kubectl get controllerrevisions -l app=each -o jsonpath='{.items[*].revision}'"
  expect((await lab.client(numbers)).split(' ').toSorted()).toEqual(['1', '2'])
  await lab.client(`kubectl rollout undo daemonset/each && ${status}`)
  expect(await lab.client(colours)).not.toContain('green')
  expect((await lab.client(numbers)).split(' ').toSorted()).toEqual(['2', '3'])
  expect(await nodes()).toEqual(['optiplex-1', 'optiplex-2', 'ubuntu-1'])
})

test('drain and uncordon, and a node that dies for good: the service answers on, its pods come up elsewhere', async () => {
  const nodeOf = "-o jsonpath='{.items[*].spec.nodeName}'"
  await underLoad(URLS, async () => {
    await lab.client('kubectl drain optiplex-1 --ignore-daemonsets --delete-emptydir-data --timeout=40s')
    await lab.client(rollout)
  }).then(({ failures }) => expect(failures).toEqual([]))
  expect(await lab.client(`kubectl get pods -l app=web ${nodeOf}`)).not.toContain('optiplex-1')
  await lab.client('kubectl uncordon optiplex-1 && kubectl cordon ubuntu-1')
  await lab.client(`kubectl rollout restart deployment/web && ${rollout} && kubectl uncordon ubuntu-1`)
  const victim = (await lab.client(READY_NODES)).split('\n').find((node) => node.startsWith('optiplex')) ?? ''
  expect(victim).not.toBe('')

  const { processes } = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
  const kubelet: number = processes.find((each: { name: string }) => each.name === `lab-kubelet-${victim}`).identity.pid
  process.kill(kubelet, 'SIGSTOP')
  try {
    await lab.client(
      `kubectl wait node/${victim} --for=jsonpath='{.spec.taints[?(@.effect=="NoExecute")].key}'=node.kubernetes.io/unreachable --timeout=20s`,
    )
    expect(await lab.client(`kubectl get node ${victim} --no-headers`)).toMatch(/^optiplex-\d\s+NotReady\s/)
    await expect.poll(() => lab.client(READY_NODES), { timeout: 5_000 }).not.toContain(victim)
    await expect.poll(async () => (await lab.client(READY_NODES)).split('\n').filter(Boolean).length, { timeout: 20_000 }).toBe(3)
    const result = await underLoad(
      URLS.filter((url) => !url.includes(ADDRESSES[victim] ?? '')),
      async () => {
        await lab.client(rollout)
      },
    )
    expect(result.failures).toEqual([])
    expect(await lab.client(`kubectl get pods -l app=web ${nodeOf}`)).toContain(victim)
  } finally {
    process.kill(kubelet, 'SIGCONT')
  }
  await lab.client(`kubectl wait node/${victim} --for=condition=Ready --timeout=20s`)
  await expect.poll(() => lab.client(`kubectl get pods -l app=web ${nodeOf}`), { timeout: 20_000 }).not.toContain(victim)
  expect(await lab.client(`kubectl get node ${victim} -o jsonpath='{.spec.taints}'`)).toBe('')
})

test('a node loses its power under load: requests fail until the endpoints follow, and none that is asked after that', async ({
  annotate,
}) => {
  const victim = (await lab.client(READY_NODES)).split('\n').find((node) => node.startsWith('optiplex')) ?? ''
  const alive = URLS.filter((url) => !url.includes(ADDRESSES[victim] ?? ''))
  let followedInMs = 0
  const result = await underLoad(
    alive,
    async () => {
      const beganAtInMs = performance.now()
      expect(await run([FAIRWAY, 'lab', 'node', 'stop', victim, '--name', lab.name])).toContain('is stopped')
      await expect.poll(() => lab.client(READY_NODES), { timeout: 20_000, interval: 100 }).not.toContain(victim)
      followedInMs = performance.now() - beganAtInMs
    },
    30,
  )
  // What is lost is no matter of pass or fail; docs/feature/lab-workloads.md has such a figure.
  await annotate(
    `${result.failures.length} of ${result.asked} failed; endpoints followed ${Math.round(followedInMs)} ms after the stop`,
  )
  const after = await underLoad(alive, async () => {
    await lab.client(rollout)
  })
  expect(after.failures).toEqual([])
  expect(await run([FAIRWAY, 'lab', 'node', 'start', victim, '--name', lab.name])).toContain('is up again')
})
