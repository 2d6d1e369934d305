import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { aFloatingAddress } from '../../test/support/load-balancer.ts'
import { aNode, aPod } from '../../test/support/world.ts'
import type { Pod } from '../model/world.ts'
import { planCandidates } from './floating-candidates.ts'

const NODES = new Map(['n1', 'n2', 'n3'].map((name) => [name, aNode(name, { labels: { name } })]))
const edge = (name: string, node: string, part: Partial<Pod> = {}): Pod =>
  aPod(`default/${name}`, node, { labels: { app: 'edge' }, hostNetwork: true, ...part })

function planned(pods: readonly Pod[], { former = [] as readonly string[], at = '', nodes = [] as readonly string[] } = {}) {
  const selectors = nodes.map((name) => [{ key: 'name', is: 'in', values: [name] }] as const)
  return planCandidates(aFloatingAddress('default/edge', former, { nodes: selectors }), { pods, nodes: NODES, at })
}
const places = (...args: Parameters<typeof planned>) => planned(...args).candidates.map(({ node, pod }) => `${node} ${pod}`)

describe('the candidates of a floating address', () => {
  it('are the nodes with a Ready pod, of the host network or with a host port', () => {
    const port = { hostIP: '', hostPort: 80, containerPort: 80, protocol: 'tcp' } as const
    const pods = [
      edge('a', 'n1'),
      edge('b', 'n2', { hostNetwork: false, hostPorts: [port] }),
      edge('c', 'n3', { hostNetwork: false }),
      edge('d', 'n3', { ready: false }),
      edge('e', 'n3', { finished: true }),
      edge('f', 'n4'),
      aPod('other/g', 'n3', { labels: { app: 'edge' }, hostNetwork: true }),
      aPod('default/h', 'n3', { hostNetwork: true }),
    ]
    expect(places(pods).toSorted()).toEqual(['n1 a', 'n2 b'])
  })

  it('begin with the node where the address is, and go on as they were', () => {
    const pods = [edge('a', 'n1'), edge('b', 'n2'), edge('c', 'n3')]
    expect(places(pods, { former: ['n3', 'n1', 'n2'] })).toEqual(['n3 c', 'n1 a', 'n2 b'])
    expect(places(pods, { former: ['n3', 'n1', 'n2'], at: 'n2' })).toEqual(['n2 b', 'n3 c', 'n1 a'])
    expect(places(pods, { former: ['n2'] })[0]).toBe('n2 b')
    expect(places(pods.slice(1), { former: ['n1', 'n3', 'n2'], at: 'n1' })).toEqual(['n3 c', 'n2 b'])
  })

  it('leave out pods on their way out, unless there are no others', () => {
    const going = edge('a', 'n1', { terminating: true })
    expect(places([going, edge('b', 'n2')], { at: 'n1' })).toEqual(['n2 b'])
    expect(places([going], { at: 'n1' })).toEqual(['n1 a'])
  })

  it('have the oldest pod of a node', () => {
    const pods = [
      edge('b', 'n1', { createdAtInMs: 2 }),
      edge('c', 'n1', { createdAtInMs: 1 }),
      edge('a', 'n1', { createdAtInMs: 2 }),
    ]
    expect(places(pods)).toEqual(['n1 c'])
  })

  it('are on nodes that any nodeSelector chooses', () => {
    expect(places([edge('a', 'n1'), edge('b', 'n2'), edge('c', 'n3')], { nodes: ['n2'] })).toEqual(['n2 b'])
  })

  it.each([
    ['no pod', [], {}, 'FW0640', 'its selector chooses no pod of its namespace'],
    ['a pod that is not Ready', [edge('a', 'n1', { ready: false })], {}, 'FW0640', 'its pod is not Ready'],
    [
      'a pod of its own network',
      [edge('a', 'n1', { hostNetwork: false })],
      {},
      'FW0641',
      'its pod has neither hostNetwork nor a hostPort',
    ],
    [
      'nodes that are not chosen',
      [edge('a', 'n1')],
      { nodes: ['n2'] },
      'FW0640',
      'its nodeSelectors choose no node with a Ready pod',
    ],
  ])('are none with %s, and that is told', (_what, pods, options, code, why) => {
    const { candidates, findings } = planned(pods, options)
    expect(candidates).toEqual([])
    expect(findings.map((one) => [one.code.code, one.subjects, one.message])).toEqual([
      [code, ['floatingaddress/default/edge'], `FloatingAddress default/edge is at no node: ${why}.`],
    ])
  })
})

test('the order of pods never matters, and planning again changes nothing', () => {
  const pod = fc
    .record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      node: fc.constantFrom('n1', 'n2', 'n3'),
      ready: fc.boolean(),
      terminating: fc.boolean(),
    })
    .map(({ name, node, ...part }) => edge(name, node, part))
  const pods = fc.uniqueArray(pod, { selector: ({ key }) => key })
  fc.assert(
    fc.property(pods, fc.shuffledSubarray(['n1', 'n2', 'n3']), fc.constantFrom('', 'n1', 'n2'), (all, former, at) => {
      const first = planned(all, { former, at })
      expect(planned(all.toReversed(), { former, at })).toEqual(first)
      const nodes = first.candidates.map(({ node }) => node)
      expect(planned(all, { former: nodes, at: nodes[0] ?? '' })).toEqual(first)
      expect(first.findings).toHaveLength(nodes.length === 0 ? 1 : 0)
    }),
  )
})
