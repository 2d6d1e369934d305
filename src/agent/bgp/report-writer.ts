/** Keeps the BGPSessionStatus objects of this node as its sessions are, without writing more often than anyone reads. */
import { isAborted, isAlreadyExists, isNotFound } from '../../kube/api-error.ts'
import { sessionStatusName, sessionStatusObject, sessionStatusPatch } from '../../kube/bgp-session-object.ts'
import { BGP_SESSION_STATUSES } from '../../kube/bgp-session-status.ts'
import type { KubeClient } from '../../kube/client.ts'
import { NODES } from '../../kube/resource.ts'
import { logger } from '../../log/log.ts'
import type { SessionReport } from '../../model/session-report.ts'
import { urgencyOf } from './report-urgency.ts'

const log = logger('bgp')

export interface ReportWriterOptions {
  readonly client: KubeClient
  readonly node: string
  readonly signal: AbortSignal
  /** Between two writes of one report for the sake of its numbers; 10 s by default. */
  readonly countsEveryInMs?: number
  /** After a failure; 10 s by default. A server without the kind is asked no more often. */
  readonly retryInMs?: number
  readonly nowInMs?: () => number
}

interface Written {
  readonly report: SessionReport
  readonly atInMs: number
}

/** `want` states the whole and returns at once; `settled` is for tests. Nothing here ever throws. */
export class ReportWriter {
  private readonly options: ReportWriterOptions
  private wanted = new Map<string, SessionReport>()
  /** What the server has, by name; a report of a predecessor is there without its content. */
  private readonly there = new Map<string, Written | undefined>()
  private listed = false
  private nodeUid = ''
  private running: Promise<void> | undefined
  private notBeforeInMs = 0
  private failed = false
  private absent = false

  constructor(options: ReportWriterOptions) {
    this.options = options
  }

  /** States the whole: a report that is not among them is removed. Call it now and then, too, with what has not changed. */
  want(reports: readonly SessionReport[]): void {
    this.wanted = new Map(reports.map((report) => [sessionStatusName(report.node, report.peer), report]))
    if (this.running !== undefined || this.options.signal.aborted || this.now() < this.notBeforeInMs) return
    if (this.absent && !this.listed && reports.length === 0) return // the server lacks the kind, and nobody misses it
    if (this.listed && this.due().length === 0) return
    this.running = this.run().finally(() => {
      this.running = undefined
    })
  }

  settled(): Promise<void> {
    return this.running ?? Promise.resolve()
  }

  private now(): number {
    return (this.options.nowInMs ?? (() => performance.now()))()
  }

  /** Names whose objects are not as they should be now. */
  private due(): readonly string[] {
    const late = [...this.wanted].filter(([name, report]) => {
      const written = this.there.get(name)
      return written === undefined || urgencyOf(written.report, report, this.now() - written.atInMs, this.options.countsEveryInMs)
    })
    return [...late.map(([name]) => name), ...[...this.there.keys()].filter((name) => !this.wanted.has(name))]
  }

  private async run(): Promise<void> {
    try {
      if (!this.listed) await this.readOwn()
      for (let names = this.due(); names.length > 0; names = this.due()) {
        for (const name of names) await this.bring(name)
      }
      if (this.failed) log.info('the reports of BGP sessions are written again')
      this.failed = false
    } catch (err) {
      if (isAborted(err)) return
      this.absent = isNotFound(err)
      if (this.absent && this.wanted.size === 0) return
      this.notBeforeInMs = this.now() + (this.options.retryInMs ?? 10_000)
      log[this.failed ? 'debug' : 'warn']({ err }, 'the reports of BGP sessions cannot be written; trying again')
      this.failed = true
    }
  }

  /** What a predecessor left. Servers that cannot select by a field of this kind (before Kubernetes 1.30) give all; a server without the kind has none. */
  private async readOwn(): Promise<void> {
    const { client, node, signal } = this.options
    const list = (fieldSelector?: string) => client.list(BGP_SESSION_STATUSES, { fieldSelector, signal })
    const found = await list(`spec.node=${node}`).catch((error: unknown) => {
      if (isNotFound(error)) throw error
      return list()
    })
    for (const { metadata, spec } of found.items)
      if (spec?.node === node && metadata.name !== undefined) this.there.set(metadata.name, undefined)
    this.listed = true
  }

  private async bring(name: string): Promise<void> {
    const { client, signal } = this.options
    const report = this.wanted.get(name)
    if (report === undefined) {
      await client.delete(BGP_SESSION_STATUSES, { name }, { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
      this.there.delete(name)
      return
    }
    const atInMs = this.now()
    if (!this.there.has(name)) await this.create(report)
    if (await this.patch(name, report)) this.there.set(name, { report, atInMs })
    else this.there.delete(name) // somebody removed it: made anew in the next turn
  }

  private async create(report: SessionReport): Promise<void> {
    const { client, node, signal } = this.options
    if (this.nodeUid === '') this.nodeUid = await this.readNodeUid()
    try {
      await client.create(BGP_SESSION_STATUSES, sessionStatusObject(node, report.peer, this.nodeUid), { signal })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
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

  private async patch(name: string, report: SessionReport): Promise<boolean> {
    const { client, signal } = this.options
    try {
      const patch = sessionStatusPatch(report)
      await client.patch(BGP_SESSION_STATUSES, { name }, patch, { type: 'merge', subresource: 'status', signal })
      return true
    } catch (error) {
      if (!isNotFound(error)) throw error
      this.nodeUid = '' // it may have gone with its node
      return false
    }
  }
}
