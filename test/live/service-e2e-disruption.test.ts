/**
 * Services over the restart of what serves them, as Kubernetes' own end-to-end suite asks for it. The names are that suite's; the service proxy is the agent.
 * Source: kubernetes test/e2e/network/service.go, networking.go.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LabStatus } from '../../src/lab/status.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { Bed, clusterIp, FAMILIES, type Family, NODES, nodePort } from './service-e2e/bed.ts'

let bed: Bed

beforeAll(async () => {
  bed = await Bed.up('t-svc-dis')
  await bed.pods(
    { name: 'a', node: 'optiplex-1', labels: { app: 'web' } },
    { name: 'b', node: 'optiplex-2', labels: { app: 'web' } },
  )
})
afterAll(() => bed?.down())

const HTTP = [{ port: 80, targetPort: 8080 }]

async function processes(): Promise<LabStatus['processes']> {
  return (JSON.parse((await bed.lab.lab(['status', '-o', 'json'])).stdout) as LabStatus).processes
}

/** Kills processes of the lab, and waits until they are ready again. */
async function restart(names: readonly string[]): Promise<void> {
  const before = (await processes()).filter(({ name }) => names.includes(name))
  expect(before.map(({ name }) => name).toSorted()).toEqual([...names].toSorted())
  for (const { identity } of before) process.kill(identity?.pid ?? 0, 'SIGKILL')
  await expect
    .poll(
      async () => {
        const now = await processes()
        return before.every(({ name, restarts }) =>
          now.some((one) => one.name === name && one.restarts > restarts && one.phase === 'ready'),
        )
      },
      { timeout: 20_000 },
    )
    .toBe(true)
}

async function serves(family: Family, name: string): Promise<void> {
  const service = await bed.service(`${name}-${family.toLowerCase()}`, family, {
    type: 'NodePort',
    selector: { app: 'web' },
    ports: HTTP,
  })
  await bed.serves([...NODES, 'a'], clusterIp(service), ['a', 'b'])
  for (const node of NODES) await bed.serves('client', nodePort(service, node), ['a', 'b'])
}

describe.each(FAMILIES)('%s', (family) => {
  test('Services should work after restarting kube-proxy', async () => {
    await serves(family, 'before-proxy')
    await restart(NODES.map((node) => `agent-${node}`))
    await serves(family, 'after-proxy')
  })

  test('Services should work after restarting apiserver', async () => {
    await serves(family, 'before-api')
    await restart(['lab-apiserver'])
    await serves(family, 'after-api')
  })

  test('Networking should recreate its iptables rules if they are deleted', async () => {
    const name = `rules-${family.toLowerCase()}`
    const service = await bed.service(name, family, { type: 'NodePort', selector: { app: 'web' }, ports: HTTP })
    await bed.serves('client', nodePort(service, 'ubuntu-1'), ['a', 'b'])
    const table = family === 'IPv4' ? 'ip' : 'ip6'
    const netns = bed.netnsOf('ubuntu-1')
    await run(inNetns(netns, ['nft', 'delete', 'table', table, 'fairway']))
    await bed.serves(['client', 'ubuntu-1'], nodePort(service, 'ubuntu-1'), ['a', 'b'])
    // element by element, too
    await run(inNetns(netns, ['nft', 'flush', 'map', table, 'fairway', 'backend']))
    await bed.serves(['client', 'ubuntu-1'], nodePort(service, 'ubuntu-1'), ['a', 'b'])
  })
})
