/**
 * UDP clients that keep their port while pods come and go, and invalid packets, as Kubernetes' own end-to-end suite asks for them. The names are that suite's.
 * Source: kubernetes test/e2e/network/conntrack.go.
 */

import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { Bed, clusterIp, FAMILIES, nodePort } from './service-e2e/bed.ts'
import { hold } from './service-e2e/hold.ts'

let bed: Bed

beforeAll(async () => {
  bed = await Bed.up('t-svc-ct')
  await bed.pods({ name: 'asks', node: 'optiplex-1' })
})
afterAll(() => bed?.down())

const UDP = [{ port: 80, targetPort: 8080, protocol: 'UDP' }]
let lastSource = 41_000

describe.each(FAMILIES)('%s', (family) => {
  const WAYS = [
    ['NodePort', 'np', 'client'],
    ['ClusterIP', 'ip', 'asks'],
  ] as const

  describe.each(WAYS)('%s', (type, short, from) => {
    const make = async (name: string) => {
      const service = await bed.service(name, family, { type, selector: { app: name }, ports: UDP })
      const target =
        type === 'NodePort' ? nodePort(service, 'optiplex-1', 'UDP') : { ...clusterIp(service), protocol: 'UDP' as const }
      return { ...target, source: ++lastSource, timeoutInMs: 300 }
    }
    const answers = (target: Awaited<ReturnType<typeof make>>) =>
      expect.poll(() => bed.who(from, target), { timeout: 15_000, interval: 30 })

    test(`Conntrack should be able to preserve UDP traffic when server pod cycles for a ${type} service`, async () => {
      const name = `cycle-${short}-${family.toLowerCase()}`
      const labels = { app: name }
      const target = await make(name)
      await bed.pods({ name: `${name}-1`, node: 'optiplex-2', labels })
      await answers(target).toBe(`${name}-1`)
      await bed.pods({ name: `${name}-2`, node: 'ubuntu-1', labels })
      await bed.deletePod(`${name}-1`, 0)
      await answers(target).toBe(`${name}-2`)
      // and by way of a Service without endpoints
      await bed.deletePod(`${name}-2`, 0)
      await answers(target).toBe('refused')
      await bed.pods({ name: `${name}-3`, node: 'optiplex-1', labels })
      await answers(target).toBe(`${name}-3`)
    })

    test(`Conntrack should be able to preserve UDP traffic when initial unready endpoints get ready for a ${type} service`, async () => {
      const name = `unready-${short}-${family.toLowerCase()}`
      const target = await make(name)
      const container = { readinessProbe: { exec: { command: ['test', '-e', '/tmp/go'] }, periodSeconds: 1 } }
      await bed.createPod({ name, node: 'optiplex-2', labels: { app: name }, container })
      const address = await bed.podAddress(name, family)
      await expect.poll(() => bed.who('asks', { address, port: 8080, protocol: 'UDP', timeoutInMs: 300 })).toBe(name)
      await answers(target).toBe('refused')
      await bed.lab.client(`kubectl exec ${name} -- touch /tmp/go`)
      await answers(target).toBe(name)
    })
  })

  test('Conntrack should drop INVALID conntrack entries', async () => {
    const name = `invalid-${family.toLowerCase()}`
    const readinessProbe = { tcpSocket: { port: 9000 }, periodSeconds: 1 }
    const netns = bed.netnsOf('asks')
    // beside the client, and on another node: there it is the server's node that sees what is invalid
    for (const node of ['optiplex-1', 'optiplex-2']) {
      const pod = `${name}-${node}`
      await bed.pods({ name: pod, node, labels: { app: pod }, args: ['--tcp', '9000'], container: { readinessProbe } })
      const service = await bed.service(pod, family, { selector: { app: pod }, ports: [{ port: 80, targetPort: 9000 }] })
      await served(pod)
      const connection = hold(netns, clusterIp(service))
      try {
        const { client } = await connection.say('before')
        const from = await bed.podAddress(pod, family)
        await sendStray(bed.netnsOf(pod), [from, 9000], [client?.address ?? '', client?.port ?? 0])
        expect(await connection.say('after')).toMatchObject({ pod })
        expect(await connection.say('and after that')).toMatchObject({ pod, client })
      } finally {
        connection.end()
      }
    }
  })
})

type End = readonly [address: string, port: number]

async function sendStray(netns: string, from: End, to: End): Promise<void> {
  const program = fileURLToPath(new URL('./service-e2e/send-stray.ts', import.meta.url))
  await run(inNetns(netns, [process.execPath, program, ...from.map(String), ...to.map(String)]))
}

/** Waits until the agent of the client's node has put a Service with one endpoint into the kernel. */
async function served(name: string): Promise<void> {
  const isServed = async () => (await bed.agent('optiplex-1')).services.find(({ key }) => key === `default/${name}`)
  await expect.poll(isServed, { timeout: 10_000, interval: 25 }).toMatchObject({ state: 'programmed', backends: 1 })
}
