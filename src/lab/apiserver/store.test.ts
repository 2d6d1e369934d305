import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FairwayError } from '../../model/code.ts'
import { Database } from './database.ts'
import { History } from './history.ts'
import type { RawObject } from './kind.ts'
import { Store } from './store.ts'
import { type Change, itemJson } from './stored.ts'

const object = (name: string, namespace = 'default', labels: Record<string, string> = {}): RawObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
})

const names = (stored: readonly { readonly object: RawObject }[] | undefined): readonly (string | undefined)[] | undefined =>
  stored?.map((one) => one.object.metadata.name)

describe('store', () => {
  let dir: string
  let store: Store
  const open = (): Store => new Store(new Database(join(dir, 'store.sqlite')))
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fwt-store-'))
    store = open()
  })
  afterEach(() => {
    store.close()
    rmSync(dir, { recursive: true, force: true })
  })

  test('versions rise by one a write, over all resources', () => {
    const first = store.put('configmaps', object('a'))
    const second = store.put('secrets', object('a'))
    const removed = store.remove('secrets', second.object)
    expect([second.version - first.version, removed.version - second.version, store.version]).toEqual([1, 1, removed.version])
    expect(removed.object.metadata.resourceVersion).toBe(String(removed.version))
  })

  test('lists are sorted, by namespace or of all', () => {
    for (const [name, namespace] of [
      ['b', 'x'],
      ['a', 'x'],
      ['a', 'w'],
    ] as const)
      store.put('configmaps', object(name, namespace))
    expect(store.list('configmaps').map(({ key }) => key)).toEqual(['/w/a', '/x/a', '/x/b'])
    expect(names(store.list('configmaps', 'x'))).toEqual(['a', 'b'])
    expect(store.list('configmaps', 'nowhere')).toEqual([])
  })

  test('a list of the past undoes what came after', () => {
    store.put('configmaps', object('a'))
    const { version } = store.put('configmaps', object('b', 'default', { step: '1' }))
    store.put('configmaps', object('b', 'default', { step: '2' }))
    store.put('configmaps', object('c'))
    store.remove('configmaps', object('a'))
    const then = store.listAt('configmaps', 'default', version)
    expect(names(then)).toEqual(['a', 'b'])
    expect(then?.[1]?.object.metadata.labels).toEqual({ step: '1' })
    expect(store.listAt('configmaps', 'default', 0)).toBeUndefined()
  })

  test('another process finds what this one wrote, and versions go on', () => {
    store.put('configmaps', object('a'))
    const last = store.remove('configmaps', store.put('configmaps', object('b')).object).version
    store.close()
    store = open()
    expect([names(store.list('configmaps')), store.version]).toEqual([['a'], last])
    expect(store.history.since(last)).toEqual([])
    expect(store.history.since(last - 1)).toBeUndefined()
  })

  test('a write that fails changes nothing, and the next one works', () => {
    const heard: Change[] = []
    store.listen('configmaps', (change) => heard.push(change))
    const before = store.version
    const full = new Error('database or disk is full')
    const database = {
      load: () => ({ rows: [], version: before }),
      put: () => {
        throw full
      },
      remove: () => {
        throw full
      },
      close: () => undefined,
    }
    const failing = new Store(database as unknown as Database)
    failing.listen('configmaps', (change) => heard.push(change))
    expect(() => failing.put('configmaps', object('a'))).toThrow(full)
    expect([failing.version, failing.list('configmaps'), heard]).toEqual([before, [], []])
    expect(store.put('configmaps', object('a')).version).toBe(before + 1)
  })

  test('a store is opened once', () => {
    expect(open).toThrow(FairwayError)
    expect(open).toThrow(/store\.sqlite cannot be opened: .*locked.*KiB free/)
  })

  test('a store that cannot be made says where and how much room there is', () => {
    expect(() => new Database('/dev/null/nowhere/store.sqlite')).toThrow(
      /the store \/dev\/null\/nowhere\/store\.sqlite cannot be opened/,
    )
  })

  test('items of a list go without kind and apiVersion', () => {
    const stored = store.put('configmaps', object('a'))
    expect(JSON.parse(itemJson(stored))).toEqual({ metadata: stored.object.metadata })
    expect(stored.json.startsWith('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default",')).toBe(
      true,
    )
  })

  test('waiting for a version ends when it comes, or when time is up', async () => {
    const reached = store.reached(store.version + 1, AbortSignal.timeout(5_000))
    store.put('configmaps', object('a'))
    expect(await reached).toBe(true)
    expect(await store.reached(store.version + 1, AbortSignal.timeout(1))).toBe(false)
  })
})

describe('history', () => {
  const change = (version: number, json = '{}'): Change =>
    ({ resource: 'r', version, stored: { json }, previous: undefined, removed: false }) as unknown as Change

  test('keeps what its limits allow, and says when it has forgotten', () => {
    const history = new History(10, { changes: 3, bytes: 1000 })
    for (const version of [11, 12, 13, 14]) history.add(change(version))
    expect(history.since(11)?.map(({ version }) => version)).toEqual([12, 13, 14])
    expect(history.since(13)?.map(({ version }) => version)).toEqual([14])
    expect([history.since(10), history.floor]).toEqual([undefined, 11])
  })

  test('big changes push out more than one', () => {
    const history = new History(0, { changes: 100, bytes: 20 })
    for (const version of [1, 2, 3]) history.add(change(version, 'x'.repeat(6)))
    history.add(change(4, 'x'.repeat(12)))
    expect(history.since(history.floor)?.map(({ version }) => version)).toEqual([3, 4])
  })

  test('compaction forgets everything', () => {
    const history = new History(0)
    history.add(change(1))
    history.compact()
    expect([history.since(0), history.since(1)]).toEqual([undefined, []])
  })
})
