import type {
  Announcement,
  BgpEntry,
  BgpRoute,
  BgpSession,
  BgpSpeaker,
  BgpWatch,
  Liveness,
  SessionState,
} from '../../model/bgp.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { BGP_CONFIG_REFUSED, BGP_ENTRY_INVALID } from '../../model/codes/bgp.ts'
import { type Engine, EngineError } from '../../model/engine.ts'
import type { Delta } from '../../model/plan.ts'
import { formNumber, installsRoutes, mainText, routeLine, routesText, sessionWords, watchWords } from './config.ts'
import type { DaemonOptions } from './daemon.ts'
import { sessionFindings } from './findings.ts'
import { LivenessWatch } from './liveness.ts'
import { NodeBird } from './node.ts'
import { type BirdFiles, observeFiles, sessionAt } from './observe.ts'
import { parseSessions } from './status.ts'
import { Symptoms } from './symptoms.ts'
import type { BirdTransport } from './transport.ts'

/** The node's BIRD: its speaker, sessions and routes. */
export interface BirdEngine extends Engine<BgpEntry> {
  /** What is wrong with the daemon and with entries that had to be left out, in no order. */
  readonly findings: readonly Finding[]
  /** Asks what is true of each session now, in the order of their keys. @throws {FairwayError} BGP_CONTROL_FAILED */
  sessions(): Promise<readonly SessionState[]>
  /** Findings about sessions that are not as they should be; `states` are those that `sessions` gave. Remembers a minute: ask often. */
  judge(states: readonly SessionState[]): readonly Finding[]
  /** Whether each watched node is there, by the keys of the watches. */
  readonly liveness: ReadonlyMap<string, Liveness>
  /** Calls back after a change of `liveness` that was not asked for by `apply`. */
  onLivenessChange(listener: () => void): void
  /** Calls back when the daemon died, hung or is there again: `verify()` the reconciler. */
  onChange(listener: () => void): void
  /** Closes all sessions, ends BIRD and removes its files. */
  cleanup(): Promise<void>
  /** Lets go; BIRD and its sessions go on, and the next engine finds them. */
  close(): Promise<void>
}

/** The BIRD of a folder; it is started with the first speaker. */
export function createBirdEngine(options: DaemonOptions): BirdEngine {
  return new TransportEngine(new NodeBird(options))
}

interface Written {
  readonly files: BirdFiles
  readonly left: ReadonlyMap<string, Finding>
}

/** The engine over any BIRD, the node's or one in memory. */
export class TransportEngine implements BirdEngine {
  private readonly bird: BirdTransport
  private readonly live: LivenessWatch
  private entries = new Map<string, BgpEntry>()
  /** The line of a route is made once. */
  private readonly lines = new WeakMap<BgpRoute, string>()
  private left: ReadonlyMap<string, Finding> = new Map()
  private refused: Finding | undefined
  private installed: BirdFiles | undefined
  private readonly symptoms = new Symptoms()
  /** What was last said to `lookUp`; undefined when nobody knows. */
  private lookedUp: boolean | undefined

  constructor(bird: BirdTransport) {
    this.bird = bird
    this.live = new LivenessWatch(bird)
  }

  get observed(): ReadonlyMap<string, BgpEntry> {
    return this.entries
  }

  get findings(): readonly Finding[] {
    return [...this.bird.findings, ...this.left.values(), ...(this.refused === undefined ? [] : [this.refused])]
  }

  get liveness(): ReadonlyMap<string, Liveness> {
    return this.live.all
  }

  onLivenessChange(listener: () => void): void {
    this.live.onChange(listener)
  }

  async refresh(_signal: AbortSignal): Promise<void> {
    const files = await this.bird.read()
    this.entries = new Map(files === undefined ? [] : observeFiles(files))
    this.installed = files
    if (!this.entries.has('speaker')) return
    const written = this.write(this.entries, new Map())
    if (written.files.main !== files?.main || written.files.routes !== files.routes) this.installed = undefined // not as we write
    await this.guard(async () => {
      if (this.installed === undefined) return this.install(this.entries)
      await this.bird.run()
      this.live.set(watchesOf(this.entries))
      await this.bird.lookUp(this.wantsLookup(this.entries))
      this.lookedUp = this.wantsLookup(this.entries)
    })
  }

  async apply(delta: Delta<BgpEntry>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const next = new Map(this.entries)
    for (const entry of delta.upserts) next.set(entry.key, entry)
    for (const key of delta.removals) next.delete(key)
    await this.guard(() => this.install(next))
  }

  async sessions(): Promise<readonly SessionState[]> {
    const sessions = sessionsOf(this.entries)
    if (sessions.length === 0) return []
    const protocols = await this.bird.ask('show protocols all')
    const bfd = sessions.some((session) => session.bfd !== undefined) ? await this.bird.ask('show bfd sessions') : []
    return parseSessions(sessions, protocols, bfd)
  }

  judge(states: readonly SessionState[]): readonly Finding[] {
    const nowInMs = Date.now()
    const doubts = this.symptoms.signatures(this.bird.signatureFailures(), nowInMs)
    return sessionFindings(sessionsOf(this.entries), states, { doubts, flaps: this.symptoms.flaps(states, nowInMs) })
  }

  onChange(listener: () => void): void {
    this.bird.onChange(listener)
  }

  async cleanup(): Promise<void> {
    await this.bird.remove()
    this.live.set([])
    this.entries.clear()
    this.installed = undefined
    this.left = new Map()
    this.lookedUp = undefined
  }

  async close(): Promise<void> {
    await this.live.close()
    await this.bird.close()
  }

  /** Installs all entries but those that cannot be: a session that BIRD refuses is left out, and all others go on. */
  private async install(entries: Map<string, BgpEntry>): Promise<void> {
    const left = new Map<string, Finding>()
    for (;;) {
      if (!entries.has('speaker')) return this.installNothing(entries)
      const written = this.write(entries, left)
      const refusal = this.sameAsInstalled(written.files) ? undefined : await this.bird.install(written.files)
      if (refusal === undefined) return this.done(entries, written)
      const culprit = sessionAt(written.files.main, refusal.line)
      if (culprit === undefined || left.has(culprit)) throw this.refuse(refusal.reason)
      left.set(culprit, finding(BGP_CONFIG_REFUSED, [culprit], `BIRD refused ${culprit}: ${refusal.reason}.`))
    }
  }

  private sameAsInstalled(files: BirdFiles): boolean {
    return this.installed?.main === files.main && this.installed.routes === files.routes
  }

  private async done(entries: Map<string, BgpEntry>, written: Written): Promise<void> {
    this.entries = new Map([...entries].filter(([key]) => !written.left.has(key)))
    this.installed = written.files
    this.live.set(watchesOf(this.entries))
    this.left = written.left
    this.refused = undefined
    const wanted = this.wantsLookup(this.entries)
    if (this.lookedUp !== wanted) await this.bird.lookUp(wanted)
    this.lookedUp = wanted
  }

  private wantsLookup(entries: ReadonlyMap<string, BgpEntry>): boolean {
    const speaker = entries.get('speaker')
    return speaker?.kind === 'speaker' && installsRoutes(speaker, sessionsOf(entries))
  }

  /** Without a speaker there is no BIRD; what else is wanted waits for it. */
  private async installNothing(entries: Map<string, BgpEntry>): Promise<void> {
    if (entries.size > 0)
      throw new EngineError(BGP_ENTRY_INVALID, 'There are sessions or routes and no speaker.', { stale: false })
    await this.bird.remove()
    this.live.set([])
    this.entries = new Map()
    this.installed = undefined
    this.left = new Map()
    this.lookedUp = undefined
  }

  private refuse(reason: string): EngineError {
    const message = `BIRD refused the new configuration, and goes on with the last good one: ${reason}.`
    this.refused = finding(BGP_CONFIG_REFUSED, [], message)
    return new EngineError(BGP_CONFIG_REFUSED, message, { stale: false })
  }

  /** Makes the files. What BIRD's language has no form for is left out, beside `before`. */
  private write(entries: ReadonlyMap<string, BgpEntry>, before: ReadonlyMap<string, Finding>): Written {
    const left = new Map(before)
    const forms = new Map<number, readonly Announcement[]>()
    const lines = { ipv4: [] as string[], ipv6: [] as string[] }
    const sessions: BgpSession[] = []
    const watches: BgpWatch[] = []
    for (const entry of entries.values()) {
      if (left.has(entry.key)) continue
      try {
        if (entry.kind === 'route') lines[entry.family].push(this.lineOf(entry))
        if (entry.kind === 'session') sessionWords(entry, new Map())
        if (entry.kind === 'watch') watchWords(entry)
      } catch (error) {
        if (!(error instanceof FairwayError)) throw error
        left.set(entry.key, finding(BGP_ENTRY_INVALID, [entry.key], error.message))
        continue
      }
      if (entry.kind === 'session') sessions.push(entry)
      if (entry.kind === 'watch') watches.push(entry)
      if (entry.kind === 'route') forms.set(formNumber(entry.announcements), entry.announcements)
    }
    const speaker = entries.get('speaker') as BgpSpeaker
    const main = mainText({ speaker, sessions, watches, forms, logFile: this.bird.logFile })
    return { files: { main, routes: routesText(forms, lines) }, left }
  }

  private lineOf(route: BgpRoute): string {
    const known = this.lines.get(route)
    if (known !== undefined) return known
    const line = routeLine(route)
    this.lines.set(route, line)
    return line
  }

  private async guard(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      if (error instanceof EngineError || !(error instanceof FairwayError)) throw error
      throw new EngineError(error.code, error.message, { fix: error.fix, cause: error })
    }
  }
}

function sessionsOf(entries: ReadonlyMap<string, BgpEntry>): readonly BgpSession[] {
  const sessions = [...entries.values()].filter((entry) => entry.kind === 'session')
  return sessions.toSorted((one, other) => (one.key < other.key ? -1 : 1))
}

function watchesOf(entries: ReadonlyMap<string, BgpEntry>): readonly BgpWatch[] {
  return [...entries.values()].filter((entry) => entry.kind === 'watch')
}

function finding(code: Finding['code'], subjects: readonly string[], message: string): Finding {
  return { code, subjects, message, fix: code.fix }
}
