import { describe, expect, it } from 'vitest'
import { MESH_LIMIT, meshOf, ranked } from './l2-rank.ts'

const addresses = Array.from({ length: 1_000 }, (_, index) => `192.168.${8 + (index >> 8)}.${index & 255}`)
const candidates = (...nodes: readonly string[]) => nodes.map((node) => ({ node, weight: 0 }))

describe('the rank of nodes for an address', () => {
  it.each([
    ['names that differ in one character', ['node-1', 'node-2', 'node-3']],
    ['names of the example', ['ubuntu-1', 'optiplex-1', 'optiplex-2']],
    ['five nodes', ['a', 'b', 'c', 'd', 'e']],
  ])('spreads addresses evenly over %s', (_name, nodes) => {
    const counts = new Map<string, number>()
    for (const address of addresses) {
      const [first = ''] = ranked(address, candidates(...nodes))
      counts.set(first, (counts.get(first) ?? 0) + 1)
    }
    const fair = addresses.length / nodes.length
    // four standard deviations of a fair choice
    const allowed = 4 * Math.sqrt(fair * (1 - 1 / nodes.length))
    for (const node of nodes) expect(Math.abs((counts.get(node) ?? 0) - fair)).toBeLessThan(allowed)
  })

  it('moves only the addresses of the node that goes, and to all of the others', () => {
    const after = new Set<string>()
    for (const address of addresses) {
      const [first, second = ''] = ranked(address, candidates('a', 'b', 'c'))
      const [without] = ranked(address, candidates('b', 'c'))
      if (first === 'a') {
        expect(without).toBe(second)
        after.add(second)
      } else expect(without).toBe(first)
    }
    expect([...after].sort()).toEqual(['b', 'c'])
  })

  it('does not depend on the order of the nodes', () => {
    for (const address of addresses.slice(0, 50))
      expect(ranked(address, candidates('c', 'a', 'b'))).toEqual(ranked(address, candidates('a', 'b', 'c')))
  })
})

describe('the mesh', () => {
  it('has every node, up to its limit', () => {
    expect(meshOf(['a', 'b'])).toEqual(new Set(['a', 'b']))
    const nodes = Array.from({ length: 100 }, (_, index) => `node-${index}`)
    expect(meshOf(nodes).size).toBe(MESH_LIMIT)
    expect(meshOf(nodes.toReversed())).toEqual(meshOf(nodes))
  })

  it('changes by one node when one goes', () => {
    const nodes = Array.from({ length: 100 }, (_, index) => `node-${index}`)
    const mesh = meshOf(nodes)
    const [gone = ''] = mesh
    const after = meshOf(nodes.filter((node) => node !== gone))
    expect(mesh.difference(after)).toEqual(new Set([gone]))
    expect(after.size).toBe(MESH_LIMIT)
  })
})
