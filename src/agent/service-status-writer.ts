/** Keeps the objects of one kind that say what this node does for Services, one a Service, as they should be. */
import { isAborted, isAlreadyExists, isNotFound } from '../kube/api-error.ts'
import type { KubeClient } from '../kube/client.ts'
import { keyOf, NODES, type Resource } from '../kube/resource.ts'
import {
  type ServiceStatusObject,
  serviceStatusName,
  serviceStatusObject,
  serviceStatusPatch,
  writtenBy,
} from '../kube/service-status-object.ts'
import { type Logger, logger } from '../log/log.ts'
import type { ObjectKey } from '../model/world.ts'

export interface ServiceStatusWriterOptions {
  readonly client: KubeClient
  readonly node: string
  readonly resource: Resource<ServiceStatusObject>
  readonly signal: AbortSignal
  /** After a failure; 10 s by default. A server without the kind is asked no more often. */
  readonly retryInMs?: number
  readonly nowInMs?: () => number
}

/** What of a status is about the Service's announcement: `{peers: [...]}`. */
export type ServiceStatus = Readonly<Record<string, unknown>>

/** `want` states the whole and returns at once; `settled` is for tests. Nothing here ever throws. */
export class ServiceStatusWriter {
  private readonly options: ServiceStatusWriterOptions
  private readonly log: Logger
  /** By the key of the object. */
  private wanted = new Map<string, { readonly service: ObjectKey; readonly status: ServiceStatus; readonly text: string }>()
  /** What the server has, as text; '' for what a predecessor left. */
  private readonly there = new Map<string, string>()
  private listed = false
  private nodeUid: string | undefined
  private running: Promise<void> | undefined
  private notBeforeInMs = 0
  private failed = false
  private absent = false

  constructor(options: ServiceStatusWriterOptions) {
    this.options = options
    this.log = logger('services').child({ kind: options.resource.kind })
  }

  /** States the whole, by Service: an object of a Service that is not among them is removed. Call it now and then, too, with what has not changed. */
  want(statuses: ReadonlyMap<ObjectKey, ServiceStatus>): void {
    this.wanted = new Map(
      [...statuses].map(([service, status]) => [this.nameOf(service), { service, status, text: JSON.stringify(status) }]),
    )
    if (this.running !== undefined || this.options.signal.aborted || this.now() < this.notBeforeInMs) return
    if (this.absent && !this.listed && statuses.size === 0) return // the server lacks the kind, and nobody misses it
    if (this.listed && this.due().length === 0) return
    this.running = this.run().finally(() => {
      this.running = undefined
    })
  }

  /** Others may have removed what is there: it is read again with the next `want`. */
  distrust(): void {
    this.listed = false
  }

  settled(): Promise<void> {
    return this.running ?? Promise.resolve()
  }

  private now(): number {
    return (this.options.nowInMs ?? (() => performance.now()))()
  }

  private nameOf(service: ObjectKey): string {
    return keyOf({ metadata: serviceStatusName(this.options.node, service) })
  }

  private due(): readonly string[] {
    const late = [...this.wanted].filter(([key, { text }]) => this.there.get(key) !== text)
    return [...late.map(([key]) => key), ...[...this.there.keys()].filter((key) => !this.wanted.has(key))]
  }

  private async run(): Promise<void> {
    try {
      if (!this.listed) await this.readOwn()
      for (let keys = this.due(); keys.length > 0; keys = this.due()) await this.bringAll(keys)
      if (this.failed) this.log.info('what is announced of Services is written again')
      this.failed = false
    } catch (err) {
      if (isAborted(err)) return
      this.absent = isNotFound(err)
      if (this.absent && this.wanted.size === 0) return
      this.notBeforeInMs = this.now() + (this.options.retryInMs ?? 10_000)
      this.log[this.failed ? 'debug' : 'warn']({ err }, 'what is announced of Services cannot be written; trying again')
      this.failed = true
    }
  }

  private async readOwn(): Promise<void> {
    const { client, node, resource, signal } = this.options
    this.listed = true
    const { items } = await client.list(resource, { labelSelector: writtenBy(node), signal }).catch((error: unknown) => {
      this.listed = false
      throw error
    })
    const known = new Map(this.there)
    this.there.clear()
    for (const item of items) this.there.set(keyOf(item), known.get(keyOf(item)) ?? '')
  }

  /** One that cannot be written, such as in a namespace that is going, holds up none of the others. @throws {FairwayError} the first one */
  private async bringAll(keys: readonly string[]): Promise<void> {
    const errors: unknown[] = []
    for (const key of keys)
      await this.bring(key).catch((error: unknown) => {
        if (isAborted(error)) throw error
        errors.push(error)
      })
    if (errors.length > 0) throw errors[0]
  }

  private async bring(key: string): Promise<void> {
    const { client, resource, node, signal } = this.options
    const wish = this.wanted.get(key)
    const [namespace = '', name = ''] = key.split('/')
    if (wish === undefined) {
      await client.delete(resource, { namespace, name }, { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
      this.there.delete(key)
      return
    }
    if (!this.there.has(key)) await this.create(wish.service)
    const patch = serviceStatusPatch(node, wish.service, wish.status)
    try {
      await client.patch(resource, { namespace, name }, patch, { type: 'merge', subresource: 'status', signal })
      this.there.set(key, wish.text)
    } catch (error) {
      if (!isNotFound(error)) throw error
      this.there.delete(key) // somebody removed it, or it went with its node: made anew in the next turn
      this.nodeUid = undefined
    }
  }

  private async create(service: ObjectKey): Promise<void> {
    const { client, resource, node, signal } = this.options
    this.nodeUid ??= await this.readNodeUid()
    await client.create(resource, serviceStatusObject(node, service, this.nodeUid), { signal }).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  }

  private async readNodeUid(): Promise<string> {
    const { client, node, signal } = this.options
    try {
      return (await client.get(NODES, { name: node }, { signal })).metadata.uid ?? ''
    } catch (error) {
      if (isNotFound(error)) return ''
      throw error
    }
  }
}
