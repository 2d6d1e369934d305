/** Looks at the sessions of the node's BIRD, and tells what became of them. */
import type { BirdEngine } from '../../engine/bird/engine.ts'
import { logger } from '../../log/log.ts'
import type { BgpSession, SessionState } from '../../model/bgp.ts'
import type { Finding } from '../../model/code.ts'
import type { SessionReport } from '../../model/session-report.ts'
import { Patience } from './patience.ts'
import { checkReturnPath, type Routes } from './return-path.ts'
import { SessionBook, type Transition } from './session-book.ts'
import { Silence } from './silence.ts'

const log = logger('bgp')

export interface SessionWatchOptions {
  readonly node: string
  readonly engine: Pick<BirdEngine, 'sessions' | 'judge' | 'findings'>
  /** Sessions that there are to be. */
  readonly wanted: () => readonly BgpSession[]
  readonly kernelTable: number
  /** Sessions that a predecessor had. */
  readonly adopted: Iterable<string>
  readonly onTransition: (transition: Transition) => void
  /** After every look. */
  readonly onLook: (watch: SessionWatch) => void
  /** 1 s by default. */
  readonly everyInMs?: number
  /** The kernel's, by default. */
  readonly routes?: Routes
}

const LOOK_EVERY_IN_MS = 1_000
/** After a change BIRD needs a moment. */
const SOON_IN_MS = 100
const RETURN_PATH_EVERY_IN_MS = 30_000
/** After a session came up, until its routes are in the kernel. */
const RETURN_PATH_SOON_IN_MS = 2_000

export class SessionWatch {
  reports: readonly SessionReport[] = []
  /** Of sessions, of BIRD and of the way back; subjects of sessions are their keys. */
  findings: readonly Finding[] = []
  private readonly options: SessionWatchOptions
  private readonly book: SessionBook
  private states: readonly SessionState[] = []
  private returnPath: readonly Finding[] = []
  private readonly timer: NodeJS.Timeout
  private soonTimer: NodeJS.Timeout | undefined
  private returnPathAtInMs = 0
  private readonly patience = new Patience()
  private readonly silence = new Silence()
  private looking: Promise<void> | undefined
  private closed = false

  constructor(options: SessionWatchOptions) {
    this.options = options
    this.book = new SessionBook(options.node, options.adopted)
    this.timer = setInterval(() => void this.look(), options.everyInMs ?? LOOK_EVERY_IN_MS)
    this.timer.unref()
  }

  /** Looks a moment from now. */
  soon(): void {
    if (this.closed) return
    this.soonTimer ??= setTimeout(() => {
      this.soonTimer = undefined
      void this.look()
    }, SOON_IN_MS)
  }

  /** Looks now, or waits for the look that is under way. */
  look(): Promise<void> {
    this.looking ??= this.lookOnce()
      .catch((err: unknown) => log.warn({ err }, 'a look at the BGP sessions failed'))
      .finally(() => {
        this.looking = undefined
      })
    return this.looking
  }

  async close(): Promise<void> {
    this.closed = true
    clearInterval(this.timer)
    clearTimeout(this.soonTimer)
    await this.looking
  }

  private async lookOnce(): Promise<void> {
    const { engine, onTransition, onLook, wanted } = this.options
    const sessions = wanted()
    // BIRD that cannot be asked is a finding of its own, and its sessions are not up as far as anyone knows
    this.states = sessions.length === 0 ? [] : await engine.sessions().catch((): readonly SessionState[] => [])
    if (this.closed) return
    const nowInMs = performance.now()
    const told = this.patience.sift(engine.judge(this.states), nowInMs)
    const own = [...engine.findings, ...(await this.silence.explain(told, sessions, this.states, nowInMs))]
    const keys = sessions.map(({ key }) => key)
    const findings = own.map((finding) => (finding.subjects.length === 0 ? { ...finding, subjects: keys } : finding))
    const { reports, transitions } = this.book.look({ sessions, states: this.states, findings, nowInMs: Date.now() })
    this.reports = reports
    for (const transition of transitions) onTransition(transition)
    if (transitions.length > 0) this.returnPathAtInMs = performance.now() - RETURN_PATH_EVERY_IN_MS + RETURN_PATH_SOON_IN_MS
    await this.lookBack(sessions)
    this.findings = [...own, ...this.returnPath]
    if (!this.closed) onLook(this)
  }

  private async lookBack(sessions: readonly BgpSession[]): Promise<void> {
    const nowInMs = performance.now()
    const isDue = this.returnPathAtInMs === 0 || nowInMs - this.returnPathAtInMs >= RETURN_PATH_EVERY_IN_MS
    if (sessions.length === 0) this.returnPath = []
    if (!isDue || sessions.length === 0) return
    this.returnPathAtInMs = nowInMs
    const { node, kernelTable, routes } = this.options
    this.returnPath = await checkReturnPath({ node, sessions, states: this.states, kernelTable }, routes)
  }
}
