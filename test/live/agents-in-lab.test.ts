/** The agents of a whole lab under traffic: killed at random moments, and with the API server killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AgentState } from '../../src/agent/state.ts'
import { askUnix } from '../../src/http/unix-server.ts'
import type { LabStatus } from '../../src/lab/status.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

const NAME = 't-agents'
const NODES = ['ubuntu-1', 'optiplex-1', 'optiplex-2']
const LOAD = fileURLToPath(new URL('./traffic/load.ts', import.meta.url))
const KILLS = 10

let lab: LiveLab

beforeAll(async () => {
  lab = await bringUpLab(NAME)
  await lab.client(
    'kubectl apply -f -',
    `
apiVersion: v1
kind: Pod
metadata: { name: echo, labels: { app: echo } }
spec:
  nodeName: optiplex-2
  containers: [{ name: echo, image: fairway/echo, ports: [{ containerPort: 8080 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: echo }
spec: { type: NodePort, selector: { app: echo }, ports: [{ port: 80, targetPort: 8080, nodePort: 30090 }] }
`,
  )
  await lab.client('kubectl wait --for=condition=Ready pod/echo --timeout=30s')
  const served = async (node: string) =>
    (await state(node)).services.some((one) => one.key === 'default/echo' && one.state === 'programmed')
  for (const node of NODES) await until(() => served(node))
})
afterAll(() => lab?.down())

/** Waits for what only another process can tell; the test's own time limits it. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function state(node: string): Promise<AgentState> {
  return JSON.parse((await askUnix(`/run/fairway/${NAME}/agent/${node}/agent.sock`, '/state')).text)
}

async function metric(node: string, name: string): Promise<number> {
  const { text: page } = await askUnix(`/run/fairway/${NAME}/agent/${node}/agent.sock`, '/metrics')
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(page)?.[1])
}

async function processes(): Promise<LabStatus['processes']> {
  return (JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout) as LabStatus).processes
}

async function kill(name: string): Promise<number> {
  const found = (await processes()).find((one) => one.name === name)
  if (found?.identity === undefined) return 0 // it is between two lives
  process.kill(found.identity.pid, 'SIGKILL')
  return 1
}

/** The rules of every node with their handles, which only a new load would change. */
async function rulesets(): Promise<string> {
  const all = NODES.map((node) => run(inNetns(`fw-${NAME}-${node}`, ['nft', '-a', 'list', 'table', 'ip', 'fairway'])))
  return (await Promise.all(all)).join('')
}

/** Asks through two nodes while `action` runs. */
async function underLoad(action: () => Promise<void>): Promise<{ readonly asked: number; readonly failed: readonly object[] }> {
  const urls = ['http://192.168.0.240:30090/', 'http://192.168.0.154:30090/']
  const [program = '', ...args] = inNetns(`fw-${NAME}-client`, [process.execPath, LOAD, ...urls])
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const said = text(child.stdout)
  try {
    await action()
  } finally {
    child.stdin.end()
    await once(child, 'close')
  }
  return JSON.parse(await said)
}

test('no request fails while agents are killed again and again, and they adopt what is there', async () => {
  const before = await rulesets()
  let killed = 0
  const { asked, failed } = await underLoad(async () => {
    while (killed < KILLS) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 400)) // the moment is the test
      killed += await kill(`agent-${NODES[Math.floor(Math.random() * NODES.length)]}`)
    }
    await until(async () => (await processes()).every(({ phase }) => phase === 'ready'))
  })
  expect(failed).toEqual([])
  expect(asked).toBeGreaterThan(100)
  expect(await rulesets()).toBe(before)
})

test('no request fails while the API server is killed; the agents go on where they were, and program nothing', async () => {
  const before = await rulesets()
  const rounds = () => Promise.all(NODES.map((node) => metric(node, 'fairway_rounds_total')))
  const roundsBefore = await rounds()
  const { failed } = await underLoad(async () => {
    const restarts = (await processes()).find(({ name }) => name === 'lab-apiserver')?.restarts ?? 0
    expect(await kill('lab-apiserver')).toBe(1)
    await until(async () =>
      (await processes()).some((one) => one.name === 'lab-apiserver' && one.phase === 'ready' && one.restarts > restarts),
    )
    for (const node of NODES) await until(async () => (await state(node)).connected)
  })
  expect(failed).toEqual([])
  expect(await rulesets()).toBe(before)
  expect(await rounds()).toEqual(roundsBefore)
  // and they hear what comes next
  await lab.client(`kubectl patch service echo --type json -p '[{"op":"replace","path":"/spec/ports/0/nodePort","value":30091}]'`)
  await lab.client(
    'curl -sf --retry 20 --retry-connrefused --retry-delay 0 -m 5 http://192.168.0.240:30091/ http://192.168.0.154:30091/',
  )
})
