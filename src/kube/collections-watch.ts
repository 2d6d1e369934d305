/** Several collections at once, followed by a watch each. Nobody asks the server again and again: it tells. */
import { type Logger, logger } from '../log/log.ts'
import { isNotFound } from './api-error.ts'
import type { KubeClient } from './client.ts'
import { type Collection, type Collections, type Contents, contentsOf } from './collections.ts'
import type { Converted } from './converted.ts'
import { type Reflector, startReflector } from './reflector.ts'
import type { KubeObject } from './types.ts'

/** How a cluster is followed. */
export interface FollowOptions<V> {
  readonly client: KubeClient
  readonly collections: Collections<V>
  readonly signal: AbortSignal
  /** Changes that come within this time of each other are heard once. */
  readonly gatherInMs: number
  /** Hears first the whole, then the whole after every change. What it throws ends the following. */
  readonly onChange: (contents: Contents<V>) => void
  /** Hears when the server is lost, and when it is back. */
  readonly onConnected: (connected: boolean) => void
}

type Named = readonly (readonly [string, Collection<KubeObject, unknown>])[]

const LOOK_IN_MS = 500

/**
 * Follows every collection until the signal.
 *
 * Errors: those of the first look (no rights, no such server), and what `onChange` throws; a server that is lost later is waited for.
 */
export async function followCollections<V>(options: FollowOptions<V>): Promise<void> {
  const { client, collections, signal, onConnected } = options
  const named: Named = Object.entries(collections)
  await checkReadable(client, named, signal)
  const ended = new AbortController()
  const follower = new Follower(options, named, AbortSignal.any([signal, ended.signal]))
  const stopLooking = watchConnection(() => follower.connected, onConnected)
  try {
    await follower.done
  } finally {
    ended.abort()
    stopLooking()
    follower.stop()
  }
}

class Follower<V> {
  readonly #options: FollowOptions<V>
  readonly #signal: AbortSignal
  readonly #reflectors: readonly (readonly [string, Reflector<Converted<unknown>>])[]
  readonly #absent = new Set<string>()
  readonly #failed = Promise.withResolvers<never>()
  #whole = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: FollowOptions<V>, named: Named, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
    this.#reflectors = named.map(([name, of]) => [name, this.#start(name, of)] as const)
    Promise.all(this.#reflectors.map(([, { synced }]) => synced)).then(() => {
      this.#whole = true
      this.#changed()
    })
  }

  /** Resolves at the signal. @throws {unknown} what a handler threw */
  get done(): Promise<unknown> {
    return Promise.race([this.#failed.promise, Promise.all(this.#reflectors.map(([, { done }]) => done))])
  }

  get connected(): boolean {
    return this.#reflectors.every(([, { connected }]) => connected)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #start(name: string, { resource, fieldSelector, optional, convert }: Collection<KubeObject, unknown>) {
    return startReflector<KubeObject, Converted<unknown>>({
      ...{ client: this.#options.client, resource, fieldSelector, optional, signal: this.#signal, log: quietLog() },
      keep: convert,
      onChanges: () => this.#changed(),
      onAbsent: (absent) => {
        if (absent) this.#absent.add(name)
        else this.#absent.delete(name)
        this.#changed()
      },
    })
  }

  #changed(): void {
    if (this.#whole) this.#timer ??= setTimeout(() => this.#tell(), this.#options.gatherInMs)
  }

  #tell(): void {
    this.#timer = undefined
    if (this.#signal.aborted) return
    try {
      this.#options.onChange(
        contentsOf<V>(this.#reflectors.map(([name, { store }]) => [name, { objects: store, absent: this.#absent.has(name) }])),
      )
    } catch (error) {
      this.#failed.reject(error)
    }
  }
}

/** One object of each: whether there is a server, and whether it shows them to us. */
async function checkReadable(client: KubeClient, named: Named, signal: AbortSignal): Promise<void> {
  const look = async (of: Collection<KubeObject, unknown>) => {
    try {
      await client.list(of.resource, { limit: 1, fieldSelector: of.fieldSelector, signal, attempts: 1 })
    } catch (error) {
      if (of.optional !== true || !isNotFound(error)) throw error
    }
  }
  await Promise.all(named.map(([, of]) => look(of)))
}

/** Looks at a flag of ours, not at the server. */
function watchConnection(connected: () => boolean, tell: (connected: boolean) => void): () => void {
  let before = true
  const timer = setInterval(() => {
    if (connected() === before) return
    before = !before
    tell(before)
  }, LOOK_IN_MS)
  return () => clearInterval(timer)
}

/** A person reads what a command prints; the lines of the log are for who asks for them. */
function quietLog(): Logger {
  return logger('kube').child({}, { level: process.env.FAIRWAY_LOG === undefined ? 'silent' : process.env.FAIRWAY_LOG || 'info' })
}
