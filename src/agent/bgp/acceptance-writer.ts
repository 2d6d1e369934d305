/** Writes what all agents see alike: one of them writes, others only when it does not. */
import { createHash } from 'node:crypto'
import { isAborted } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Condition as KubeCondition, KubeObject } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { ACCEPTED, type Verdict } from './acceptance.ts'

const log = logger('bgp')

export interface AcceptanceWriterOptions {
  readonly client: KubeClient
  readonly node: string
  readonly signal: AbortSignal
  /** Nodes whose agents are thought to work. */
  readonly nodes: () => readonly string[]
  readonly nowInMs?: () => number
}

/** The first in line writes at once, each of the next a little later. */
const A_PLACE_IN_MS = 2_000
/** Of thousands of nodes only so many ever look. */
const PLACES = 5
/** The same is not written again for so long, whatever becomes of it. */
const AGAIN_AFTER_MS = 60_000

interface Wait {
  readonly words: string
  readonly dueInMs: number
}

/** `want` states the whole, now and then, and returns at once. */
export class AcceptanceWriter {
  private readonly options: AcceptanceWriterOptions
  private readonly waits = new Map<string, Wait>()
  /** Kinds that keep no conditions: MetalLB's own definition of BGPPeer has none. */
  private readonly without = new Set<string>()
  private running: Promise<void> | undefined

  constructor(options: AcceptanceWriterOptions) {
    this.options = options
  }

  want(verdicts: readonly Verdict[]): void {
    const due = verdicts.filter((verdict) => this.isDue(verdict))
    const subjects = new Set(verdicts.map(({ subject }) => subject))
    for (const subject of this.waits.keys()) if (!subjects.has(subject)) this.waits.delete(subject)
    if (this.running !== undefined || due.length === 0 || this.options.signal.aborted) return
    this.running = this.write(due).finally(() => {
      this.running = undefined
    })
  }

  settled(): Promise<void> {
    return this.running ?? Promise.resolve()
  }

  private now(): number {
    return (this.options.nowInMs ?? (() => performance.now()))()
  }

  private isDue(verdict: Verdict): boolean {
    const { subject, source } = verdict
    if (this.without.has(source.resource.kind) || isWritten(verdict)) {
      this.waits.delete(subject)
      return false
    }
    const words = JSON.stringify([source.uid, source.generation, verdict.condition])
    const known = this.waits.get(subject)
    const place = placeOf(this.options.node, subject, this.options.nodes())
    if (known?.words !== words) this.waits.set(subject, { words, dueInMs: this.now() + place * A_PLACE_IN_MS })
    return place < PLACES && this.now() >= (this.waits.get(subject)?.dueInMs ?? 0)
  }

  private async write(verdicts: readonly Verdict[]): Promise<void> {
    for (const verdict of verdicts) {
      const { subject, source } = verdict
      this.waits.set(subject, {
        words: JSON.stringify([source.uid, source.generation, verdict.condition]),
        dueInMs: this.now() + AGAIN_AFTER_MS,
      })
      try {
        await this.patch(verdict)
      } catch (err) {
        if (isAborted(err)) return
        log.debug({ err, subject }, 'a condition could not be written')
      }
    }
  }

  private async patch({ source, condition }: Verdict): Promise<void> {
    const { client, signal } = this.options
    const before = source.conditions.find(({ type }) => type === ACCEPTED)
    const status = condition.holds ? 'True' : 'False'
    const stamp = `${new Date().toISOString().slice(0, 19)}Z`
    const own: KubeCondition = {
      ...{ type: ACCEPTED, status, reason: condition.reason, message: condition.message },
      observedGeneration: source.generation,
      lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? stamp) : stamp,
    }
    const conditions = [...source.conditions.filter(({ type }) => type !== ACCEPTED), own]
    const name = { name: source.name, ...(source.namespace === '' ? {} : { namespace: source.namespace }) }
    const answer = await client.patch(
      source.resource,
      name,
      { status: { conditions } },
      { type: 'merge', subresource: 'status', signal },
    )
    if (!conditionsOf(answer).some(({ type }) => type === ACCEPTED)) this.without.add(source.resource.kind)
  }
}

function conditionsOf(object: KubeObject): readonly KubeCondition[] {
  return (object as { readonly status?: { readonly conditions?: readonly KubeCondition[] } }).status?.conditions ?? []
}

function isWritten({ source, condition }: Verdict): boolean {
  const there = source.conditions.find(({ type }) => type === condition.type)
  return (
    there !== undefined &&
    there.status === (condition.holds ? 'True' : 'False') &&
    there.reason === condition.reason &&
    (there.message ?? '') === condition.message &&
    there.observedGeneration === source.generation
  )
}

/** The place of a node in the line of those that write about an object: another line for each object, the same on all nodes. */
export function placeOf(node: string, subject: string, nodes: readonly string[]): number {
  const weigh = (name: string) => createHash('sha1').update(`${name} ${subject}`).digest('hex')
  const own = weigh(node)
  return nodes.filter((name) => name !== node && weigh(name) < own).length
}
