/** Kubernetes Events: what happened to an object, as `kubectl describe` shows it. */
import { createHash } from 'node:crypto'
import { type Logger, logger } from '../log/log.ts'
import { isAlreadyExists, isNotFound } from './api-error.ts'
import type { KubeClient } from './client.ts'
import { EVENTS } from './resource.ts'
import type { Event, KubeObject, ObjectReference } from './types.ts'

export type EventType = 'Normal' | 'Warning'

export interface EventRecorder {
  /**
   * Tells of something that happened; returns at once and never throws. The same words again raise the count of the
   * Event that is there, and many words for one reason become one Event that says the latest. An object that is talked about
   * too much is not listened to for a while.
   */
  event(about: ObjectReference | KubeObject, type: EventType, reason: string, message: string): void
  /** Resolves when all that was told is with the server, or was given up. */
  flush(): Promise<void>
}

export interface RecorderOptions {
  readonly client: KubeClient
  /** Who tells: shown as `From`. */
  readonly component: string
  /** The node, if the component belongs to one. */
  readonly host?: string
  /** Whether others with this option tell the same, so that one Event is enough: of what is known everywhere. `host` is left out. */
  readonly shared?: boolean
  readonly log?: Logger
  readonly now?: () => Date
}

interface Series {
  readonly namespace: string
  readonly name: string
  count: number
}

/** As client-go's correlator: so many at once about one object, then one in five minutes. */
const BURST = 25
/** And so many different messages for one reason in this time, before the next are told as one. */
const MOST_MESSAGES = 10
const SIMILAR_FOR_MS = 600_000
const REFILL_IN_MS = 300_000
const MAX_QUEUED = 1_000
const MAX_REMEMBERED = 4_096

export function createEventRecorder(options: RecorderOptions): EventRecorder {
  const recorder = new Recorder(options)
  return { event: (...told) => recorder.tell(...told), flush: () => recorder.queue }
}

/** A reference to an object that carries its apiVersion and kind. */
export function referenceTo(object: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata
  return { apiVersion: object.apiVersion, kind: object.kind, namespace, name, uid, resourceVersion }
}

class Recorder {
  queue: Promise<void> = Promise.resolve()
  private readonly options: RecorderOptions
  private readonly log: Logger
  private readonly series = new Map<string, Series>()
  private readonly similar = new Map<string, { readonly messages: Set<string>; atInMs: number }>()
  private readonly allowance = new Map<string, { left: number; atInMs: number }>()
  private queued = 0
  private serial = 0

  constructor(options: RecorderOptions) {
    this.options = options
    this.log = options.log ?? logger('events')
  }

  tell(about: ObjectReference | KubeObject, type: EventType, reason: string, message: string): void {
    const ref = 'metadata' in about ? referenceTo(about) : about
    const now = (this.options.now ?? (() => new Date()))()
    const object = [ref.kind, ref.namespace, ref.name, ref.uid].join('/')
    if (this.queued >= MAX_QUEUED || !this.mayTell(object, now.getTime())) return
    this.queued++
    const { key, said } = this.combined(`${object}/${type}/${reason}`, message, now.getTime())
    const told = { ref, type, reason, message: said }
    // one container's words are not another's
    this.queue = this.queue.then(() => this.send(told, { key: `${ref.fieldPath ?? ''}/${key}`, now }))
  }

  /** The Event that a message goes to, and its words there. Source: client-go tools/record/events_cache.go, EventAggregate. */
  private combined(topic: string, message: string, nowInMs: number): { readonly key: string; readonly said: string } {
    const known = this.similar.get(topic)
    const fresh = known !== undefined && nowInMs - known.atInMs <= SIMILAR_FOR_MS
    const messages = fresh ? known.messages : new Set<string>()
    remember(this.similar, topic, { messages, atInMs: nowInMs })
    messages.add(message)
    if (messages.size < MOST_MESSAGES) return { key: `${topic}/${message}`, said: message }
    messages.delete(message)
    return { key: topic, said: `(combined from similar events): ${message}` }
  }

  private mayTell(object: string, nowInMs: number): boolean {
    const known = this.allowance.get(object)
    const earned = known === undefined ? BURST : known.left + (nowInMs - known.atInMs) / REFILL_IN_MS
    const left = Math.min(BURST, earned)
    remember(this.allowance, object, { left: left >= 1 ? left - 1 : left, atInMs: nowInMs })
    return left >= 1
  }

  private async send(told: Told, { key, now }: { readonly key: string; readonly now: Date }): Promise<void> {
    try {
      const series = this.series.get(key)
      if (series === undefined || !(await this.raise(series, told.message, now)))
        remember(this.series, key, await this.create(told, now))
    } catch (err) {
      this.log.debug({ err, reason: told.reason }, 'an Event could not be recorded')
    } finally {
      this.queued--
    }
  }

  /** Raises the count of an Event; false when it is gone (the server keeps them for an hour). */
  private async raise(series: Series, message: string, now: Date): Promise<boolean> {
    try {
      const patch = { count: series.count + 1, lastTimestamp: stamp(now), message: message.slice(0, 1024) }
      await this.options.client.patch(EVENTS, series, patch, { type: 'merge' })
      series.count++
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  private async create(told: Told, now: Date): Promise<Series> {
    const { client, component, shared = false } = this.options
    const host = shared ? undefined : this.options.host
    const namespace = told.ref.namespace || 'default'
    for (;;) {
      const suffix = shared ? digest(told) : (BigInt(now.getTime()) * 1_000_000n + BigInt(this.serial++)).toString(16)
      const name = `${told.ref.name}.${suffix}`
      const event: Event = {
        metadata: { name, namespace },
        involvedObject: told.ref,
        type: told.type,
        reason: told.reason,
        message: told.message.slice(0, 1024),
        source: host === undefined ? { component } : { component, host },
        firstTimestamp: stamp(now),
        lastTimestamp: stamp(now),
        count: 1,
        reportingComponent: component,
        reportingInstance: host ?? '',
      }
      try {
        await client.create(EVENTS, event)
        return { namespace, name, count: 1 }
      } catch (error) {
        if (!isAlreadyExists(error)) throw error
        if (shared) return { namespace, name, count: 1 } // another has said it
        // another process told of the same object in the same millisecond: the next name is free
      }
    }
  }
}

interface Told {
  readonly ref: ObjectReference
  readonly type: EventType
  readonly reason: string
  readonly message: string
}

/** The same of the same words about the same object, wherever they are said. */
function digest({ ref, type, reason, message }: Told): string {
  return createHash('sha256').update([ref.uid, type, reason, message].join('\n')).digest('hex').slice(0, 16)
}

/** metav1.Time has no fractions. */
function stamp(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

/** Keeps the most recently used; the oldest goes when there are too many. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next()
  if (map.size > MAX_REMEMBERED && !oldest.done) map.delete(oldest.value)
}
