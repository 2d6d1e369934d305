/** The collector beside a model of a few lines, and over HTTP as clients see it. */
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Database } from './database.ts'
import { deleteObject, type PropagationPolicy, parseDeleteOptions } from './deletion.ts'
import { GarbageCollector } from './garbage-collector.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { makeKinds } from './kinds/index.ts'
import { type OwnerReference, ownersOf } from './owner-index.ts'
import { Registry } from './registry.ts'
import { Store } from './store.ts'
import { startTestServer, type TestServer } from './testing.ts'
import { Writer } from './writer.ts'

const kinds = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30_000, 32_767] })
const record = kinds.find(({ kind }) => kind === 'ConfigMap') as KindRecord
const OPTIONS = { dryRun: false, fieldManager: 't', fieldValidation: 'Ignore', force: false } as const

/** ConfigMaps that own each other, in a store of their own. */
class World implements Disposable {
  readonly store = new Store(new Database(':memory:'))
  readonly writer = new Writer(this.store)
  readonly collector = new GarbageCollector(this.writer, new Registry(kinds), pino({ level: 'silent' }))
  readonly #stop = this.collector.start()

  constructor() {
    this.store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', uid: 'home' } })
  }

  [Symbol.dispose](): void {
    this.#stop()
    this.store.close()
  }

  get(name: string): RawObject | undefined {
    return this.store.get('configmaps', `/default/${name}`)?.object
  }

  create(name: string, owners: readonly { readonly name: string; readonly block: boolean }[]): void {
    const ownerReferences = owners.map((owner) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: owner.name,
      uid: this.get(owner.name)?.metadata.uid ?? 'gone',
      blockOwnerDeletion: owner.block,
    }))
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ownerReferences } }
    this.writer.create({ place: { record, namespace: 'default', subresource: '' }, object, options: OPTIONS })
  }

  delete(name: string, propagation: PropagationPolicy): void {
    const stored = this.store.get('configmaps', `/default/${name}`)
    if (stored === undefined) return
    deleteObject(this.writer, record, stored, { ...parseDeleteOptions(undefined, new URLSearchParams()), propagation })
  }

  /** Names of owners by name of what is left. */
  left(): Readonly<Record<string, readonly string[]>> {
    const objects = this.store.list('configmaps').map(({ object }) => object)
    return Object.fromEntries(objects.map((object) => [object.metadata.name, ownersOf(object).map(({ name = '' }) => name)]))
  }
}

const nameOf = (index: number): string => `m${String(index).padStart(2, '0')}`

/** For each object, which of the earlier ones own it. */
const graph = fc.array(fc.array(fc.record({ owner: fc.nat(30), block: fc.boolean() }), { maxLength: 3 }), {
  minLength: 1,
  maxLength: 12,
})
const deletions = fc.array(
  fc.record({ at: fc.nat(30), policy: fc.constantFrom<PropagationPolicy>('Background', 'Foreground', 'Orphan') }),
  { maxLength: 8 },
)
type Owners = readonly { readonly owner: number; readonly block: boolean }[]

function build(world: World, owners: readonly Owners[]): Map<string, string[]> {
  const model = new Map<string, string[]>()
  for (const [index, wanted] of owners.entries()) {
    const earlier = index === 0 ? [] : wanted.map(({ owner, block }) => ({ name: nameOf(owner % index), block }))
    const unique = earlier.filter(({ name }, at) => earlier.findIndex((other) => other.name === name) === at)
    world.create(nameOf(index), unique)
    model.set(
      nameOf(index),
      unique.map(({ name }) => name),
    )
  }
  return model
}

/** What Kubernetes promises, when each deletion is over before the next begins. */
function deleteInModel(model: Map<string, string[]>, name: string, policy: PropagationPolicy): void {
  if (!model.delete(name)) return
  for (const dependent of [...model.keys()]) {
    const owners = model.get(dependent) ?? []
    if (!owners.includes(name)) continue
    const others = owners.filter((owner) => owner !== name)
    model.set(dependent, others)
    if (others.length === 0 && policy !== 'Orphan') deleteInModel(model, dependent, 'Background')
  }
}

describe('any graph of owners, any deletions', () => {
  test('one after the other: what is left is what the model says', () => {
    fc.assert(
      fc.property(graph, deletions, (owners, steps) => {
        using world = new World()
        const model = build(world, owners)
        for (const { at, policy } of steps) {
          const name = nameOf(at % owners.length)
          world.delete(name, policy)
          world.collector.drain()
          deleteInModel(model, name, policy)
          expect(world.left()).toEqual(Object.fromEntries(model))
        }
      }),
      { numRuns: 150 },
    )
  })

  test('all at once, in any order: nothing is left that only had owners who are gone, and nothing half deleted', () => {
    fc.assert(
      fc.property(graph, deletions, fc.array(fc.boolean()), (owners, steps, drains) => {
        using world = new World()
        build(world, owners)
        for (const [index, { at, policy }] of steps.entries()) {
          world.delete(nameOf(at % owners.length), policy)
          if (drains[index] === true) world.collector.drain()
        }
        world.collector.drain()
        const left = world.left()
        for (const names of Object.values(left)) for (const name of names) expect(Object.keys(left)).toContain(name)
        for (const { object } of world.store.list('configmaps')) expect(object.metadata.deletionTimestamp).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })
})

test('an owner in the foreground waits for those that block it, and only for those', () => {
  using world = new World()
  world.create('owner', [])
  world.create('blocks', [{ name: 'owner', block: true }])
  world.create('free', [{ name: 'owner', block: false }])
  const hold = (finalizers: string[] | undefined): void => {
    const { object, version } = world.store.get('configmaps', '/default/blocks') as { object: RawObject; version: number }
    const metadata = { ...structuredClone(object.metadata), resourceVersion: String(version) }
    if (finalizers === undefined) delete metadata.finalizers
    else metadata.finalizers = finalizers
    const change = { place: { record, namespace: 'default', subresource: '' }, object: { ...object, metadata }, options: OPTIONS }
    world.writer.replace(change, 'blocks')
  }
  hold(['example.com/hold'])
  world.delete('owner', 'Foreground')
  world.collector.drain()
  expect(Object.keys(world.left())).toEqual(['blocks', 'owner'])
  expect(world.get('owner')?.metadata.finalizers).toEqual(['foregroundDeletion'])
  hold(undefined)
  world.collector.drain()
  expect(world.left()).toEqual({})
})

describe('over HTTP', () => {
  let server: TestServer
  const maps = '/api/v1/namespaces/default/configmaps'
  const gone = async (name: string): Promise<boolean> => (await server.call('GET', `${maps}/${name}`)).status === 404
  const own = async (name: string, owner: OwnerReference): Promise<void> => {
    await server.call('POST', maps, { metadata: { name, ownerReferences: [owner] } })
  }
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('a dependent of an owner that never was is deleted; one of an unknown kind stays', async () => {
    await own('stays', { apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'u1' })
    const { resourceVersion } = (await server.call('GET', maps)).body.metadata
    await own('lost', { apiVersion: 'v1', kind: 'Secret', name: 'never', uid: 'u2' })
    const path = `${maps}?watch=1&fieldSelector=metadata.name%3Dlost&timeoutSeconds=10&resourceVersion=${resourceVersion}`
    for await (const event of server.watch(path)) if (event.type === 'DELETED') break
    expect([await gone('lost'), await gone('stays')]).toEqual([true, false])
  })

  test('references to owners must be whole, and only one may be the controller', async () => {
    const owner = { apiVersion: 'v1', kind: 'Secret', name: 'a', uid: 'u', controller: true }
    const post = async (owners: readonly object[]) =>
      (await server.call('POST', maps, { metadata: { name: 'bad', ownerReferences: owners } })).body.message
    expect(await post([{ ...owner, name: '' }])).toBe(
      'ConfigMap "bad" is invalid: metadata.ownerReferences.name: Invalid value: "": must not be empty',
    )
    expect(await post([owner, { ...owner, name: 'b', uid: 'v' }])).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for Secret/a and Secret/b',
    )
  })

  test('a policy that there is not is refused', async () => {
    const answer = await server.call('DELETE', `${maps}/stays`, { propagationPolicy: 'Sideways' })
    expect([answer.status, answer.body.message]).toEqual([
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Background", "Foreground", "Orphan", "nil"',
    ])
  })
})
