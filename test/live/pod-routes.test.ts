/** Pods that can be reached from everywhere: nodes announce them, the routers pass it on, and far-client curls them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

const urlOf = (family: 'ipv4' | 'ipv6'): string =>
  family === 'ipv4' ? `http://${addresses.ipv4}:8080` : `http://[${addresses.ipv6}]:8080`

/** What the pod says of who asked; undefined when it cannot be reached. */
async function asked(family: 'ipv4' | 'ipv6', from = 'far-client'): Promise<string | undefined> {
  const { stdout, exitCode } = await lab.on(from, `curl -s -g -m 3 '${urlOf(family)}'`)
  return exitCode === 0 ? (JSON.parse(stdout).client.address as string) : undefined
}

test.each(['ipv4', 'ipv6'] as const)('before anything is applied, no pod is reached from outside over %s', async (family) => {
  expect(await asked(family)).toBeUndefined()
})

describe('with the examples applied', () => {
  beforeAll(async () => {
    await lab.client(`kubectl apply -f ${process.cwd()}/examples/bgp/peers.yaml -f ${process.cwd()}/examples/bgp/pod-routes.yaml`)
  })

  test.each(['ipv4', 'ipv6'] as const)('far-client reaches the pod over %s, which sees its own address', async (family) => {
    await expect.poll(() => asked(family), soon).toBe(FAR[family])
  })
})
