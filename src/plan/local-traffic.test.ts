import { describe, expect, test } from 'vitest'
import { anEndpoint, aService, aSlice } from '../../test/support/world.ts'
import type { Endpoint, EndpointSlice, ServicePort } from '../model/world.ts'
import { mayReceive, receivingNodes } from './local-traffic.ts'

const HTTP: ServicePort = { name: 'http', protocol: 'tcp', port: 80, nodePort: 0 }
const at = (node: string, part: Partial<Endpoint> = {}): Endpoint => anEndpoint('10.244.0.2', { node, ...part })
const going = { ready: false, serving: true, terminating: true }
const slice = (name: string, endpoints: readonly Endpoint[], part: Partial<EndpointSlice> = {}): EndpointSlice =>
  aSlice(`default/${name}`, 'default/web', { ports: [{ name: 'http', protocol: 'tcp', port: 8080 }], endpoints, ...part })

describe('policy Local', () => {
  const cases: readonly (readonly [string, readonly EndpointSlice[], readonly string[]])[] = [
    ['no endpoint: nobody', [], []],
    ['the nodes of ready endpoints', [slice('a', [at('n1'), at('n2')]), slice('b', [at('n3')])], ['n1', 'n2', 'n3']],
    ['not those of endpoints that are not ready', [slice('a', [at('n1'), at('n2', { ready: false, serving: false })])], ['n1']],
    ['one that ends, while another node is ready, gives way', [slice('a', [at('n1', going), at('n2')])], ['n2']],
    ['of none that is ready, those that serve while they end', [slice('a', [at('n1', going), at('n2', going)])], ['n1', 'n2']],
    ['not one that ends and serves no more', [slice('a', [at('n1', { ...going, serving: false })])], []],
    ['an endpoint that nobody knows the node of', [slice('a', [at('')])], []],
    ['another family', [slice('a', [at('n1')], { family: 'ipv6' })], []],
    ['a port that the Service has not', [slice('a', [at('n1')], { ports: [{ name: 'http', protocol: 'udp', port: 1 }] })], []],
  ]
  test.each(cases)('%s', (_, slices, nodes) => {
    const service = aService('default/web', { externalPolicy: 'Local', ports: [HTTP] })
    expect([...(receivingNodes(service, 'ipv4', slices) ?? ['every'])].sort()).toEqual(nodes)
    expect([...(receivingNodes(service, 'ipv4', slices.toReversed()) ?? ['every'])].sort()).toEqual(nodes)
    for (const node of ['n1', 'n2', 'n3']) expect(mayReceive(node, service, 'ipv4', slices)).toBe(nodes.includes(node))
  })
})

test('policy Cluster: every node, with or without endpoints', () => {
  const service = aService('default/web', { ports: [HTTP] })
  expect(receivingNodes(service, 'ipv4', [])).toBeUndefined()
  expect(mayReceive('n1', service, 'ipv4', [slice('a', [at('n2')])])).toBe(true)
})
