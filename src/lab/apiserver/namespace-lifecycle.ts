/** Empties namespaces that are being deleted, and lets them go when nothing is left in them. */
import type { Logger } from 'pino'
import { deleteObject, parseDeleteOptions } from './deletion.ts'
import type { Registry } from './registry.ts'
import { resourceOf, type Stored, storeKey } from './stored.ts'
import type { Writer } from './writer.ts'

const NAMESPACES = 'namespaces'
const RETRY_IN_MS = 5_000
const NO_OPTIONS = parseDeleteOptions(undefined, new URLSearchParams())

/**
 * Starts to watch over deletions of namespaces; call the result to stop. Pods go with their grace period, so a namespace may
 * stay until kubelets have confirmed.
 */
export function guardNamespaces(writer: Writer, registry: Registry, log: Logger): () => void {
  const { store } = writer
  const pending = new Set<string>()
  const inNamespaces = () => registry.stored.filter((record) => record.namespaced)
  const own = registry.kinds.find((record) => resourceOf(record) === NAMESPACES)
  let retry: NodeJS.Timeout | undefined

  const empty = (name: string): void => {
    const home = store.get(NAMESPACES, storeKey(undefined, name))
    if (home?.object.metadata.deletionTimestamp === undefined || own === undefined) return
    const kinds = inNamespaces()
    const contents = kinds.flatMap((record) => store.list(resourceOf(record), name).map((stored) => ({ record, stored })))
    for (const { record, stored } of contents)
      if (stored.object.metadata.deletionTimestamp === undefined) deleteObject(writer, record, stored, NO_OPTIONS)
    const left = kinds.some((record) => store.list(resourceOf(record), name).length > 0)
    if (!left) letGo(home)
  }

  const letGo = (home: Stored): void => {
    if (own === undefined) return
    const object = structuredClone(home.object)
    object.spec = {}
    if ((object.metadata.finalizers ?? []).length === 0) writer.remove(own, object)
    else store.put(NAMESPACES, object)
  }

  const work = (): void => {
    for (const name of pending) {
      pending.delete(name)
      try {
        empty(name)
      } catch (err) {
        log.warn({ err, namespace: name }, 'a namespace could not be emptied; trying again')
        clearTimeout(retry)
        retry = setTimeout(() => plan(name), RETRY_IN_MS)
      }
    }
  }

  const plan = (name: string): void => {
    if (pending.size === 0) setImmediate(work)
    pending.add(name)
  }

  const stops = [
    store.listen(NAMESPACES, ({ stored, removed }) => {
      if (!removed && stored.object.metadata.deletionTimestamp !== undefined && !isReleased(stored))
        plan(stored.object.metadata.name ?? '')
    }),
    store.listenAll(({ stored, removed }) => {
      const { namespace } = stored.object.metadata
      if (!removed || namespace === undefined) return
      if (store.get(NAMESPACES, storeKey(undefined, namespace))?.object.metadata.deletionTimestamp !== undefined) plan(namespace)
    }),
  ]
  for (const stored of store.list(NAMESPACES))
    if (stored.object.metadata.deletionTimestamp !== undefined) plan(stored.object.metadata.name ?? '')
  return () => {
    clearTimeout(retry)
    for (const stop of stops) stop()
  }
}

/** Let go already; only finalizers of its own keep it. */
const isReleased = (stored: Stored): boolean => {
  const { finalizers } = (stored.object.spec ?? {}) as { readonly finalizers?: readonly string[] }
  return finalizers === undefined || finalizers.length === 0
}
