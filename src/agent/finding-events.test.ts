import { afterEach, beforeEach, expect, test } from 'vitest'
import { aNode, aService, aWorld } from '../../test/support/world.ts'
import { createClient, type KubeClient } from '../kube/client.ts'
import { FakeApi } from '../kube/fake/fake-api.ts'
import type { Event } from '../kube/types.ts'
import type { Finding } from '../model/code.ts'
import type { Service } from '../model/world.ts'
import { changesOf, createPlanner } from '../plan/planner.ts'
import { findingEvents } from './finding-events.ts'

let api: FakeApi
let client: KubeClient

beforeEach(async () => {
  api = new FakeApi()
  await api.listen()
  client = createClient(api.config)
  const metadata = { namespace: 'default', name: 'web' }
  api.store.put('/api/v1/services', { apiVersion: 'v1', kind: 'Service', metadata })
})

afterEach(async () => {
  client.close()
  await api.close()
})

/** What the agents of two nodes find about one Service. */
function found(part: Partial<Service>): readonly (readonly [string, Finding])[] {
  const services = [aService('default/web', { type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], ...part })]
  const world = aWorld({ services, nodes: [aNode('n1'), aNode('n2')] })
  return ['n1', 'n2'].flatMap((node) => {
    const planner = createPlanner(node)
    planner.update(world, changesOf(world))
    return planner.findings.map((finding) => [node, finding] as const)
  })
}

async function told(part: Partial<Service>): Promise<readonly Event[]> {
  for (const [node, finding] of found(part)) findingEvents(client, node)(finding)
  await expect.poll(() => api.bodies.length, { interval: 5, timeout: 5_000 }).toBeGreaterThan(1)
  return api.bodies.map(({ body }) => body as Event)
}

test.each<[string, string, Partial<Service>]>([
  ['FW0204', 'ExternalIPNotAllowed', { externalIPs: ['203.0.113.1'] }],
  [
    'FW0205',
    'SourceRangesOneFamily',
    {
      clusterIPs: ['10.96.0.1', 'fd00:96::1'],
      families: ['ipv4', 'ipv6'],
      loadBalancerIPs: ['203.0.113.1', '2001:db8::1'],
      sourceRanges: ['10.0.0.0/8'],
    },
  ],
  ['FW0206', 'FamilyNotServed', { loadBalancerIPs: ['2001:db8::1'] }],
])('%s is told on the Service as %s, by all agents alike', async (code, reason, part) => {
  const [event, other] = await told(part)
  expect(event).toMatchObject({
    involvedObject: { kind: 'Service', namespace: 'default', name: 'web', uid: expect.any(String) },
    type: 'Warning',
    reason,
    message: expect.stringMatching(new RegExp(`^service/default/web .*\\(${code}\\)$`)),
    source: { component: 'fairway-agent' },
  })
  expect(other?.metadata).toEqual(event?.metadata)
})

test('what comes and goes with every rollout is not told', async () => {
  const ports = [{ name: '', protocol: 'tcp', port: 80, nodePort: 0 }] as const
  const findings = found({ ports, externalIPs: ['203.0.113.1'] }).flatMap(([node, finding]) => (node === 'n1' ? [finding] : []))
  expect(findings.map(({ code }) => code.code)).toEqual(['FW0202', 'FW0204'])
  const tell = findingEvents(client, 'n1')
  for (const finding of findings) tell(finding)
  await expect.poll(() => api.bodies.length, { interval: 5, timeout: 5_000 }).toBe(1)
  expect(api.requests.map((request) => request.split(' ')[0])).toEqual(['GET', 'POST'])
  expect(api.bodies[0]?.body).toMatchObject({ reason: 'ExternalIPNotAllowed' })
})
