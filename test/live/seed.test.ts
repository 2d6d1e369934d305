/** The text's first five ways, to the letter; Ingress in the three ways that its controller can be reached: its manifests, its kubectl and curl lines, its output. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goThrough, WAYS } from '../../demo/way.ts'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

const NODES = ['ubuntu-1', 'optiplex-1', 'optiplex-2']
let lab: LiveLab

beforeAll(async () => {
  lab = await bringUpLab('t-seed')
})
afterAll(() => lab?.down())

describe.each(WAYS)('$title', (way) => {
  test(`${way.url} prints what the text prints`, async () => {
    const steps = await goThrough(
      way,
      NODES,
      (line, input) => lab.on('client', line, input),
      () => undefined,
    )
    expect(steps.flatMap((step) => step.differences.map((sentence) => `${step.command}: ${sentence}`))).toEqual([])
    expect(steps.at(-1)?.stdout).toContain(way.shows ?? '<title>Welcome to nginx!</title>')
  })
})

test('an Ingress shows the welcome page, and nginx is told who asks', async () => {
  const client = await lab.client('curl -s -4 http://nginx.example.com/ && ip -4 -o address show scope global')
  expect(client).toContain('<title>Welcome to nginx!</title>')
  const address = / inet ([0-9.]+)\//.exec(client)?.[1] ?? ''
  expect((await lab.client('kubectl logs nginx')).trimEnd().split('\n').at(-1)).toContain(
    `"GET / HTTP/1.1" 200 615 "-" "curl/7.88.1" "${address}"`,
  )
})

describe('what the text says beside its transcripts', () => {
  test('the pod address of a NodePort pod answers inside, and not outside', async () => {
    const address = await lab.client("kubectl get pod nginx -o jsonpath='{.status.podIP}'")
    expect((await lab.on('optiplex-1', `curl -s http://${address}`)).stdout).toContain('Welcome to nginx!')
    const outside = await lab.on('client', `curl -s -m 3 http://${address}`)
    expect(outside.exitCode).toBe(7) // refused by the router at once, where a time-out would be 28
  })

  test('every node answers on the nodePort, in both families when the Service is dual-stack', async () => {
    await lab.client(`kubectl patch service nginx -p '{"spec":{"ipFamilyPolicy":"PreferDualStack"}}'`)
    const addresses = await lab.client(
      'kubectl get nodes -o jsonpath=\'{.items[*].status.addresses[?(@.type=="InternalIP")].address}\'',
    )
    const port = await lab.client("kubectl get service nginx -o jsonpath='{.spec.ports[0].nodePort}'")
    const urls = addresses.split(' ').map((address) => `http://${address.includes(':') ? `[${address}]` : address}:${port}`)
    expect(urls).toHaveLength(6)
    for (const url of urls)
      await expect
        .poll(async () => (await lab.on('client', `curl -s -m 2 '${url}'`)).stdout, { timeout: 5000 })
        .toContain('Welcome to nginx!')
  })
})
