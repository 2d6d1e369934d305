/** Commands that ask a cluster: how it is found, how long they wait, and how often they answer. */
import { createClient, type KubeClient } from '../kube/client.ts'
import { type Collections, type Contents, readCollections } from '../kube/collections.ts'
import { followCollections } from '../kube/collections-watch.ts'
import { loadKubeConfig } from '../kube/config.ts'
import { FairwayError, type Severity } from '../model/code.ts'
import { USAGE_TIMEOUT, USAGE_WRONG } from '../model/codes/usage.ts'
import { EXIT } from './errors.ts'
import { exitCodeFor, type Listing, printSnapshot, type Snapshot } from './listing.ts'
import { ListingWatch } from './listing-watch.ts'
import type { Form } from './options.ts'
import { hint, Progress } from './terminal.ts'

/** What `clusterOptions` of options.ts add to a command. */
export interface ClusterOptions {
  readonly context?: string
  readonly kubeconfig?: string
  readonly namespace?: string
  readonly allNamespaces?: boolean
  readonly output: Form
  readonly watch?: boolean
  readonly wait?: boolean
  /** Absent: 10 s for an answer, a minute for --wait. */
  readonly timeout?: number
  readonly failOn: Severity
}

/** A question to the cluster: which collections it needs, and the rows that follow from them. */
export interface Question<V, T> {
  readonly collections: Collections<V>
  readonly view: (contents: Contents<V>) => Snapshot<T>
  readonly listing: Listing<T>
  /** Refuses what cannot be meant, such as the name of nothing; not asked when it may come yet. @throws {FairwayError} */
  readonly check?: (contents: Contents<V>) => void
  /** Changes that come this close to each other are shown once. */
  readonly gatherInMs: number
}

const ANSWER_IN_S = 10
const WAIT_IN_S = 60

/** Answers once, goes on answering (--watch), or waits until all is well (--wait); sets the exit code. @throws {FairwayError} */
export async function ask<V, T>(question: Question<V, T>, options: ClusterOptions): Promise<void> {
  checkTogether(options)
  const client = openCluster(options)
  try {
    if (options.wait) await untilHealthy(question, options, client)
    else if (options.watch) await watch(question, options, client)
    else await once(question, options, client)
  } finally {
    client.close()
  }
}

/** The client of the cluster that the options name. @throws {FairwayError} */
export function openCluster({ kubeconfig, context }: ClusterOptions): KubeClient {
  return createClient(loadKubeConfig({ path: kubeconfig, context }))
}

/** Whether a namespace is meant; without -n all of them are. */
export function isMeant({ namespace, allNamespaces }: ClusterOptions, of: string): boolean {
  return allNamespaces === true || namespace === undefined || namespace === of
}

function checkTogether({ wait, watch, namespace, allNamespaces }: ClusterOptions): void {
  if (wait && watch) throw contradiction('--wait and --watch')
  if (namespace !== undefined && allNamespaces) throw contradiction('--namespace and --all-namespaces')
}

function contradiction(both: string): FairwayError {
  return new FairwayError(USAGE_WRONG, `${both} contradict each other.`, { fix: 'Leave one of them away.' })
}

async function once<V, T>(question: Question<V, T>, options: ClusterOptions, client: KubeClient): Promise<void> {
  const { collections, view, listing, check } = question
  const contents = await withProgress(client, () =>
    within(options.timeout ?? ANSWER_IN_S, 'the API server answered', (signal) => readCollections(client, collections, signal)),
  )
  check?.(contents)
  finish(listing, view(contents), options)
}

const PATIENCE_IN_MS = 1_000

/** Says what takes so long when it does. */
async function withProgress<R>({ server }: KubeClient, work: () => Promise<R>): Promise<R> {
  const progress = new Progress()
  const timer = setTimeout(() => progress.step(`asking ${server}`), PATIENCE_IN_MS)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    progress.done()
  }
}

function finish<T>(listing: Listing<T>, snapshot: Snapshot<T>, options: ClusterOptions): void {
  printSnapshot(listing, snapshot, options.output)
  process.exitCode = exitCodeFor(snapshot.findings, options.failOn)
}

/** Ends by a signal, or by an error before the first answer. */
async function watch<V, T>(question: Question<V, T>, options: ClusterOptions, client: KubeClient): Promise<void> {
  const { listing, view } = question
  const rows = new ListingWatch(listing, options.output)
  const first = new FirstAnswer(options.timeout ?? ANSWER_IN_S)
  await first.orTimeout(
    followCollections({
      ...{ client, collections: question.collections, gatherInMs: question.gatherInMs, signal: first.signal, onConnected },
      onChange(contents) {
        first.came()
        const snapshot = view(contents)
        rows.show(snapshot)
        process.exitCode = exitCodeFor(snapshot.findings, options.failOn)
      },
    }),
  )
}

/** Answers once nothing is wrong; when the time is over, what is wrong then, and exit code 4. */
async function untilHealthy<V, T>(question: Question<V, T>, options: ClusterOptions, client: KubeClient): Promise<void> {
  const { listing, view } = question
  const done = new AbortController()
  let last: Snapshot<T> | undefined
  const progress = new Progress()
  let said = ''
  const seconds = options.timeout ?? WAIT_IN_S
  try {
    await within(seconds, 'all was well', (signal) =>
      followCollections({
        ...{ client, collections: question.collections, gatherInMs: question.gatherInMs, onConnected },
        signal: AbortSignal.any([signal, done.signal]),
        onChange(contents) {
          last = view(contents)
          if (last.rows.length > 0 && exitCodeFor(last.findings, options.failOn) === EXIT.healthy) done.abort()
          const text = waitsFor(last)
          if (!done.signal.aborted && text !== said) progress.step(text)
          said = text
        },
      }),
    )
  } finally {
    progress.done()
    if (last !== undefined) finish(listing, last, options)
  }
}

function waitsFor({ rows, findings }: Snapshot<unknown>): string {
  if (rows.length === 0) return 'waiting: there is nothing yet'
  return `waiting: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}, ${findings[0]?.message ?? ''}`
}

function onConnected(connected: boolean): void {
  hint(connected ? 'the API server is heard again' : 'the API server is silent; the rows above are what it last said')
}

/** Gives the work a time. @throws {FairwayError} USAGE_TIMEOUT when it is over */
async function within<R>(seconds: number, what: string, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const signal = AbortSignal.timeout(seconds * 1_000)
  try {
    const result = await work(signal)
    signal.throwIfAborted()
    return result
  } catch (error) {
    if (!signal.aborted) throw error
    throw timedOut(seconds, what)
  }
}

function timedOut(seconds: number, what: string): FairwayError {
  return new FairwayError(USAGE_TIMEOUT, `The ${seconds} s that --timeout allows were over before ${what}.`)
}

/** A time for the first answer alone. */
class FirstAnswer {
  readonly #seconds: number
  readonly #over = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(seconds: number) {
    this.#seconds = seconds
    this.#timer = setTimeout(() => this.#over.abort(), seconds * 1_000)
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  came(): void {
    clearTimeout(this.#timer)
  }

  async orTimeout(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      if (!this.signal.aborted) throw error
    } finally {
      this.came()
    }
    if (this.signal.aborted) throw timedOut(this.#seconds, 'the API server answered')
  }
}
