import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { aggregated, apiGroup, apiGroups, apiResources, VERSION } from './discovery.ts'
import { makeKinds } from './kinds/index.ts'

const golden = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../test/golden/kubernetes-1.36/discovery/${name}.json`, import.meta.url), 'utf8'))
const kinds = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30000, 32767] })

interface Legacy {
  readonly name: string
  readonly storageVersionHash?: string
  readonly verbs: readonly string[]
}

const legacy = (list: readonly Legacy[]) => new Map(list.map(({ storageVersionHash: _hash, ...entry }) => [entry.name, entry]))

describe('discovery, beside what a real server says', () => {
  test('version', () => expect(VERSION).toEqual(golden('version')))

  test.each([
    'configmaps',
    'endpoints',
    'events',
    'nodes',
    'nodes/status',
    'pods',
    'pods/attach',
    'pods/binding',
    'pods/eviction',
    'pods/exec',
    'pods/log',
    'pods/portforward',
    'pods/status',
    'secrets',
    'services/status',
  ])('legacy entry of %s', (name) => {
    const ours = apiResources(kinds, '', 'v1') as { readonly resources: readonly Legacy[] }
    expect(legacy(ours.resources).get(name)).toEqual(legacy(golden('api-v1').resources).get(name))
  })

  test.each([
    ['networking-v1', 'networking.k8s.io'],
    ['apps-v1', 'apps'],
  ])('legacy entries of %s', (recording, group) => {
    const ours = legacy((apiResources(kinds, group, 'v1') as { readonly resources: readonly Legacy[] }).resources)
    const real = legacy(golden(recording).resources)
    // Nothing that has a scale is served without a controller for it.
    const apart = new Set(['statefulsets/scale'])
    expect([...ours.keys()]).toEqual([...real.keys()].filter((name) => !apart.has(name)))
    for (const [name, entry] of ours) expect(entry).toEqual(real.get(name))
  })

  test('groups come in the order of preference, the versions that a real server no longer has at the end', () => {
    const names = (list: object) =>
      (list as { readonly groups: readonly { readonly name: string }[] }).groups.map(({ name }) => name)
    const real = names(golden('apis'))
    const ours = names(apiGroups(kinds))
    expect(ours).toEqual([...real.filter((name) => ours.includes(name)), 'extensions'])
    const networking = apiGroup(kinds, 'networking.k8s.io') as { readonly preferredVersion: object }
    expect(networking.preferredVersion).toEqual({ groupVersion: 'networking.k8s.io/v1', version: 'v1' })
  })

  test.each([
    'events.k8s.io',
    'policy',
    'rbac.authorization.k8s.io',
    'scheduling.k8s.io',
  ])('the aggregated form of %s', (name) => {
    const find = (items: readonly { readonly metadata: { readonly name?: string } }[]) =>
      items.find((item) => item.metadata.name === name)
    expect(find(JSON.parse(aggregated(kinds, false, 'v2').body).items)).toEqual(find(golden('apis-aggregated').items))
  })

  test('a whole group', () => {
    const real = golden('discovery-v1')
    expect(apiResources(kinds, 'discovery.k8s.io', 'v1')).toEqual({ ...real, resources: [...legacy(real.resources).values()] })
    const group = golden('apis').groups.find((entry: { name: string }) => entry.name === 'discovery.k8s.io')
    expect(apiGroup(kinds, 'discovery.k8s.io')).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...group })
    expect(apiGroup(kinds, 'nope')).toBeUndefined()
    expect(apiGroups(kinds)).toMatchObject({ kind: 'APIGroupList', apiVersion: 'v1' })
  })

  test('the aggregated form of a group', () => {
    const name = 'discovery.k8s.io'
    const find = (items: readonly { readonly metadata: { readonly name?: string } }[]) =>
      items.find((item) => item.metadata.name === name)
    const { body, etag } = aggregated(kinds, false, 'v2')
    expect(find(JSON.parse(body).items)).toEqual(find(golden('apis-aggregated').items))
    expect(etag).toMatch(/^"[0-9A-F]{128}"$/)
  })
})
