/** Follows the stored CustomResourceDefinitions: what is served, their conditions, and the end of those that are deleted. */
import type { Logger } from 'pino'
import { deleteObject, parseDeleteOptions } from '../deletion.ts'
import type { KindRecord, RawObject } from '../kind.ts'
import { sameJson } from '../kinds/check.ts'
import { customResourceDefinition as record } from '../kinds/custom-resource-definition/definition.ts'
import {
  CLEANUP,
  type Condition,
  DEFINITIONS,
  type Definition,
  type DefinitionStatus,
  withCondition,
} from '../kinds/custom-resource-definition/types.ts'
import { timestamp } from '../metadata.ts'
import type { Registry } from '../registry.ts'
import { type Change, resourceOf, type Stored, storeKey } from '../stored.ts'
import type { WriteOptions } from '../write-options.ts'
import type { Writer } from '../writer.ts'
import { type CustomKinds, customKinds } from './custom-kind.ts'
import { statusOf } from './names.ts'

const OPTIONS: WriteOptions = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false }
const NO_OPTIONS = parseDeleteOptions(undefined, new URLSearchParams())
const RETRY_IN_MS = 5_000

/** The kinds of one definition, and what they were made of. */
interface Made {
  readonly from: unknown
  readonly going: boolean
  readonly kinds: CustomKinds | undefined
  readonly retire: AbortController
}

const isGoing = (object: RawObject): boolean => object.metadata.deletionTimestamp !== undefined

/** What of a definition its kinds depend on; watches of objects go on only while it is the same. */
function essence({ status, spec }: Definition): unknown {
  const established = status.conditions.find(({ type }) => type === 'Established')?.status
  return { spec, names: status.acceptedNames, established }
}

export class Definitions {
  readonly #writer: Writer
  readonly #registry: Registry
  readonly #log: Logger
  /** By name of the definition. */
  readonly #made = new Map<string, Made>()
  readonly #pending = new Set<string>()
  readonly #stops: (() => void)[] = []
  #retry: NodeJS.Timeout | undefined
  #stopped = false

  constructor(writer: Writer, registry: Registry, log: Logger) {
    this.#writer = writer
    this.#registry = registry
    this.#log = log
  }

  /** Serves what is stored, at once, and follows every change from then on. */
  start(): void {
    const { store } = this.#writer
    for (const { object } of store.list(DEFINITIONS)) this.#make(object as Definition, new AbortController())
    this.#serve()
    for (const { object } of store.list(DEFINITIONS)) this.#plan(object.metadata.name ?? '')
    this.#stops.push(
      store.listen(DEFINITIONS, (change) => this.#hear(change)),
      store.listenAll((change) => this.#hearObject(change)),
    )
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#retry)
    for (const stop of this.#stops) stop()
  }

  #hear({ stored, removed }: Change): void {
    const definition = stored.object as Definition
    const name = definition.metadata.name ?? ''
    const known = this.#made.get(name)
    const same = !removed && known !== undefined && sameJson(known.from, essence(definition))
    if (same && known.going === isGoing(definition)) {
      this.#plan(name)
      return
    }
    if (removed) this.#made.delete(name)
    else this.#make(definition, same ? known.retire : new AbortController())
    this.#serve()
    if (!same) known?.retire.abort()
    for (const other of this.#groupOf(definition)) this.#plan(other.metadata.name ?? '')
  }

  /** The last object of a definition that waits for it has gone. */
  #hearObject({ resource, removed }: Change): void {
    if (removed && this.#made.get(resource)?.kinds?.storage.closed !== undefined) this.#plan(resource)
  }

  #make(definition: Definition, retire: AbortController): void {
    const kinds = this.#kindsOf(definition, retire.signal)
    this.#made.set(definition.metadata.name ?? '', { from: essence(definition), going: isGoing(definition), kinds, retire })
  }

  /** What cannot be served (a schema stored by another version of this server) must not keep the rest from being so. */
  #kindsOf(definition: Definition, retired: AbortSignal): CustomKinds | undefined {
    try {
      return customKinds(definition, retired)
    } catch (err) {
      this.#log.error({ err, definition: definition.metadata.name }, 'a CustomResourceDefinition cannot be served')
      return undefined
    }
  }

  #serve(): void {
    this.#registry.serveBeside([...this.#made.values()].flatMap(({ kinds }) => kinds?.served ?? []))
  }

  #groupOf({ spec }: Definition): readonly Definition[] {
    const all = this.#writer.store.list(DEFINITIONS).map(({ object }) => object as Definition)
    return all.filter((other) => other.spec.group === spec.group)
  }

  /** Work waits until the write that gave rise to it is over, and no longer: no other request comes between. */
  #plan(name: string): void {
    if (this.#pending.size === 0) queueMicrotask(() => this.#work())
    this.#pending.add(name)
  }

  #work(): void {
    for (const name of this.#pending) {
      this.#pending.delete(name)
      if (this.#stopped) continue
      try {
        this.#settle(name)
      } catch (err) {
        this.#log.warn({ err, definition: name }, 'a CustomResourceDefinition could not be seen to; trying again')
        clearTimeout(this.#retry)
        this.#retry = setTimeout(() => this.#plan(name), RETRY_IN_MS)
      }
    }
  }

  #settle(name: string): void {
    const stored = this.#writer.store.get(DEFINITIONS, storeKey(undefined, name))
    if (stored === undefined) return
    const definition = stored.object as Definition
    if (!isGoing(definition))
      this.#setStatus(stored, statusOf(definition, this.#groupOf(definition), timestamp(this.#writer.now())))
    else if (definition.metadata.finalizers?.includes(CLEANUP)) this.#empty(stored)
  }

  #setStatus(stored: Stored, status: DefinitionStatus): void {
    if (sameJson(status, stored.object.status)) return
    this.#update(stored, { ...structuredClone(stored.object), status }, 'status')
  }

  #update(stored: Stored, object: RawObject, subresource: string): void {
    this.#writer.update({ place: { record, namespace: undefined, subresource }, object, options: OPTIONS }, stored)
  }

  /** Deletes the objects of a definition; when none is left, it may go too. */
  #empty(stored: Stored): void {
    const definition = stored.object as Definition
    const kind = this.#made.get(definition.metadata.name ?? '')?.kinds?.storage
    const left = kind === undefined ? 0 : this.#deleteAll(kind)
    const conditions = withCondition(definition.status.conditions, this.#terminating(left))
    if (left > 0) {
      this.#setStatus(stored, { ...definition.status, conditions })
      return
    }
    const object = structuredClone(definition)
    object.metadata.finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP)
    this.#update(stored, object, '')
  }

  /** Returns how many are still there, held by finalizers. */
  #deleteAll(kind: KindRecord): number {
    const { store } = this.#writer
    const resource = resourceOf(kind)
    for (const stored of store.list(resource)) if (!isGoing(stored.object)) deleteObject(this.#writer, kind, stored, NO_OPTIONS)
    return store.list(resource).length
  }

  #terminating(left: number): Condition {
    const lastTransitionTime = timestamp(this.#writer.now())
    return left > 0
      ? {
          type: 'Terminating',
          status: 'True',
          lastTransitionTime,
          reason: 'InstanceDeletionInProgress',
          message: 'CustomResource deletion is in progress',
        }
      : {
          type: 'Terminating',
          status: 'False',
          lastTransitionTime,
          reason: 'InstanceDeletionCompleted',
          message: 'removed all instances',
        }
  }
}
