import { describe, expect, test } from 'vitest'
import { strategicMerge } from './strategic-merge.ts'

const POD = 'io.k8s.api.core.v1.Pod'
const SERVICE = 'io.k8s.api.core.v1.Service'

interface Case {
  readonly name: string
  readonly schema: string
  readonly original: Record<string, unknown>
  readonly patch: Record<string, unknown>
  readonly result: Record<string, unknown>
}

const containers = (...names: readonly string[]) => ({
  spec: { containers: names.map((name) => ({ name, image: `${name}:1` })) },
})

const CASES: readonly Case[] = [
  {
    name: 'members of a list are found by their merge key',
    schema: POD,
    original: containers('a', 'b'),
    patch: { spec: { containers: [{ name: 'b', image: 'b:2' }, { name: 'c' }] } },
    result: { spec: { containers: [{ name: 'a', image: 'a:1' }, { name: 'b', image: 'b:2' }, { name: 'c' }] } },
  },
  {
    name: '$patch: delete takes a member away',
    schema: POD,
    original: containers('a', 'b'),
    patch: { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
    result: containers('b'),
  },
  {
    name: '$patch: replace in a list replaces all of it',
    schema: POD,
    original: containers('a', 'b'),
    patch: { spec: { containers: [{ $patch: 'replace' }, { name: 'c' }] } },
    result: { spec: { containers: [{ name: 'c' }] } },
  },
  {
    name: '$patch: replace in a map replaces the map',
    schema: POD,
    original: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { $patch: 'replace', c: '3' } } },
    result: { metadata: { labels: { c: '3' } } },
  },
  {
    name: 'null removes a field, maps merge',
    schema: POD,
    original: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { a: null, c: '3' } } },
    result: { metadata: { labels: { b: '2', c: '3' } } },
  },
  {
    name: '$setElementOrder puts members in order; those of the server stay before what follows them',
    schema: POD,
    original: containers('a', 'b', 'c'),
    patch: { spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] } },
    result: containers('b', 'c', 'a'),
  },
  {
    name: 'primitives of a merged list are added once, and taken away by $deleteFromPrimitiveList',
    schema: POD,
    original: { metadata: { finalizers: ['a/a', 'b/b'] } },
    patch: { metadata: { finalizers: ['c/c', 'b/b'], '$deleteFromPrimitiveList/finalizers': ['a/a'] } },
    result: { metadata: { finalizers: ['c/c', 'b/b'] } },
  },
  {
    name: 'what is new in a list comes first',
    schema: POD,
    original: { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    patch: { spec: { containers: [{ name: 'c' }, { name: 'b', image: 'x' }] } },
    result: { spec: { containers: [{ name: 'c' }, { name: 'a' }, { name: 'b', image: 'x' }] } },
  },
  {
    name: '$retainKeys keeps those keys only',
    schema: POD,
    original: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
    patch: { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' }, $retainKeys: ['name', 'hostPath'] }] } },
    result: { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
  },
  {
    name: 'ports of a service are found by port',
    schema: SERVICE,
    original: { spec: { ports: [{ port: 80, nodePort: 30018, protocol: 'TCP' }] } },
    patch: { spec: { ports: [{ port: 80, nodePort: 30019 }] } },
    result: { spec: { ports: [{ port: 80, nodePort: 30019, protocol: 'TCP' }] } },
  },
  {
    name: 'a list without a strategy is replaced',
    schema: POD,
    original: { spec: { containers: [{ name: 'a', command: ['x', 'y'] }] } },
    patch: { spec: { containers: [{ name: 'a', command: ['z'] }] } },
    result: { spec: { containers: [{ name: 'a', command: ['z'] }] } },
  },
]

describe('strategic merge patch', () => {
  test.each(CASES)('$name', ({ schema, original, patch, result }) => {
    const before = structuredClone(original)
    expect(strategicMerge(schema, original, patch)).toEqual(result)
    expect(original).toEqual(before)
  })

  test('a member without its merge key is refused', () => {
    expect(() => strategicMerge(POD, containers('a'), { spec: { containers: [{ image: 'x' }] } })).toThrow(
      'does not contain declared merge key: name',
    )
  })
})
