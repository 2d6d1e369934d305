/** Traffic that crosses the whole product: hostPort from everywhere, and a download that outlives the agent. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

let lab: LiveLab

const ECHO = `
apiVersion: v1
kind: Pod
metadata: { name: echo, labels: { app: echo } }
spec:
  nodeName: optiplex-2
  containers:
  - name: echo
    image: fairway/echo
    ports: [{ containerPort: 8080, hostPort: 8080 }]
    readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  type: NodePort
  ipFamilyPolicy: PreferDualStack
  selector: { app: echo }
  ports: [{ port: 80, targetPort: 8080, nodePort: 30090 }]
---
apiVersion: v1
kind: Pod
metadata: { name: far }
spec:
  nodeName: optiplex-1
  containers: [{ name: echo, image: fairway/echo }]
`

beforeAll(async () => {
  lab = await bringUpLab('t-traffic')
  await lab.client('kubectl apply -f -', ECHO)
  await lab.client('kubectl wait --for=condition=Ready pod/echo pod/far --timeout=30s')
})
afterAll(() => lab?.down())

describe('a hostPort', () => {
  test.each([
    ['client', 'http://192.168.0.161:8080', '192.168.0.10'],
    ['client', 'http://[fd00:192:168::161]:8080', 'fd00:192:168::10'],
    ['optiplex-1', 'http://192.168.0.161:8080', '192.168.0.240'],
  ])('from %s at %s keeps the client address', async (host, url, address) => {
    const { stdout } = await lab.on(host, `curl -s -g -m 3 '${url}'`)
    expect(JSON.parse(stdout)).toMatchObject({ pod: 'echo', client: { address } })
  })

  test.each(['http://127.0.0.1:8080', 'http://192.168.0.161:8080'])('from its own node at %s', async (url) => {
    expect(JSON.parse((await lab.on('optiplex-2', `curl -s -m 3 ${url}`)).stdout)).toMatchObject({ pod: 'echo' })
  })
})

test('kill -9 of the agent during a download through a NodePort: the download ends whole, and the agent comes back', async () => {
  const agentOf = async (): Promise<{ pid: number; restarts: number; phase: string }> => {
    const { processes } = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
    const { identity, restarts, phase } = processes.find((each: { name: string }) => each.name === 'agent-optiplex-1')
    return { pid: identity.pid, restarts, phase }
  }
  const before = await agentOf()
  expect(await readFile(`/proc/${before.pid}/cmdline`, 'utf8')).toContain('agent')
  const folder = await mkdtemp(join(tmpdir(), 'fairway-download-'))
  try {
    const [page, head] = [join(folder, 'page'), join(folder, 'head')]
    const url = 'http://192.168.0.240:30090/bytes?count=8000000&rate=4000000'
    const download = lab.client(`curl -s -m 30 -D ${head} -o ${page} '${url}'`)
    await expect
      .poll(async () => (await stat(page).catch(() => undefined))?.size ?? 0, { interval: 20, timeout: 5000 })
      .toBeGreaterThan(0)
    process.kill(before.pid, 'SIGKILL')
    await download
    const sum = createHash('sha256')
      .update(await readFile(page))
      .digest('hex')
    expect(await readFile(head, 'utf8')).toContain(`x-checksum-sha256: ${sum}`)
  } finally {
    await rm(folder, { recursive: true })
  }
  await expect.poll(agentOf, { timeout: 10_000 }).toMatchObject({ restarts: before.restarts + 1, phase: 'ready' })
})
