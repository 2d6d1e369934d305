/** A gateway's HAProxy, told of entries: by its runtime wherever that can do it, by a reload where nothing else can. */
import { mkdir, readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { logger } from '../../log/log.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { HAPROXY_CONFIG_REFUSED } from '../../model/codes/haproxy.ts'
import { type Engine, EngineError } from '../../model/engine.ts'
import type { L7Entry } from '../../model/l7.ts'
import type { Delta } from '../../model/plan.ts'
import { Certificates } from './certificates.ts'
import { commandsFor, type Scope, wholeScope } from './changes.ts'
import { ConfigFiles, generationOf, type Parts } from './config-files.ts'
import { type Directory, directoryAt } from './directory.ts'
import { Form, type FormChange } from './form.ts'
import { type Installed, readInstalled, readProcess } from './installed.ts'
import { MapFiles } from './map-files.ts'
import { labelsOf, metricsPage } from './metrics.ts'
import { leaveOut } from './quarantine.ts'
import { checkConfig, reload } from './reload.ts'
import { keepAddresses } from './server-addresses.ts'
import { Shapes } from './shapes.ts'
import { Slots } from './slots.ts'
import { ask, tell } from './socket.ts'
import { Wanted } from './wanted.ts'

const log = logger('haproxy')

/** Why a reload was needed. `start`: the process had nothing of ours. */
export type ReloadReason = 'start' | 'base' | 'listener' | 'condition' | 'section' | 'slots' | 'certificate' | 'asked'

export interface HaproxyCounters {
  readonly reloads: ReadonlyMap<ReloadReason, number>
  /** Commands that changed the running process. */
  readonly commands: number
}

export interface HaproxyEngine extends Engine<L7Entry> {
  /** What had to be left out, and why. */
  readonly findings: readonly Finding[]
  readonly counters: HaproxyCounters
  /** Whether another process serves than the one that was told: it may have begun with less. False while none does. */
  wasReplaced(): Promise<boolean>
  /** What HAProxy has counted, as `metricsPage` tells it. @throws {EngineError} HAPROXY_AWAY */
  metrics(query: string): Promise<string>
  /** Asks for a reload with the next change, whether it is needed or not. */
  demandReload(): void
  /** Lets go; HAProxy goes on. */
  close(): void
}

/** Over the folder that `prepareDirectory` made; HAProxy is started by somebody else, with `haproxyArgs`. */
export function createHaproxyEngine(dir: string): HaproxyEngine {
  return new HaproxyAtDirectory(dir)
}

/** How often servers whose connections were not over are tried again. */
const SWEEP_IN_MS = 1_000

class HaproxyAtDirectory implements HaproxyEngine {
  private readonly directory: Directory
  private readonly files: ConfigFiles
  private readonly maps: MapFiles
  private state: State | undefined
  private readonly reloads = new Map<ReloadReason, number>()
  private commands = 0
  private isReloadAsked = false
  private sweeping: NodeJS.Timeout | undefined
  /** What is under way: a sweep waits for it. */
  private busy: Promise<unknown> = Promise.resolve()

  constructor(dir: string) {
    this.directory = directoryAt(dir)
    this.files = new ConfigFiles(dir, this.directory)
    this.maps = new MapFiles(this.directory)
  }

  get observed(): ReadonlyMap<string, L7Entry> {
    return this.state?.wanted.form.entries ?? new Map()
  }

  get findings(): readonly Finding[] {
    if (this.state === undefined) return []
    const { wanted, certificates } = this.state
    const left = [...wanted.form.left, ...certificates.left].map(([, error]) => error)
    const refused = wanted.refusals.map((sentence) => new FairwayError(HAPROXY_CONFIG_REFUSED, sentence))
    return [...left, ...refused].map(({ code, message }) => ({ code, subjects: [], message, fix: code.fix }))
  }

  get counters(): HaproxyCounters {
    return { reloads: this.reloads, commands: this.commands }
  }

  metrics(query: string): Promise<string> {
    const { wanted } = this.state ?? {}
    return metricsPage(this.directory.metrics, query, wanted === undefined ? () => undefined : labelsOf(wanted))
  }

  async wasReplaced(): Promise<boolean> {
    await this.busy.catch(() => undefined)
    const process = await readProcess(this.directory.runtime).catch(() => undefined)
    return process !== undefined && this.state !== undefined && process.pid !== this.state.installed.pid
  }

  demandReload(): void {
    this.isReloadAsked = true
  }

  close(): void {
    clearTimeout(this.sweeping)
  }

  async refresh(): Promise<void> {
    await this.busy.catch(() => undefined)
    const { maps, certificates, slots } = this.directory
    for (const one of [maps, certificates]) await mkdir(one, { recursive: true, mode: 0o700 })
    const installed = await readInstalled(this.directory)
    const loaded = await this.files.readParts(installed.generation)
    const text = await readFile(slots, 'utf8').catch(() => '')
    const form = new Form()
    const shapes = new Shapes()
    const runs = (loaded?.slots ?? []).filter(({ shape }) => shapes.refusalOf(shape) === '')
    const wanted = new Wanted(form, Slots.parse(text, runs), shapes)
    this.state = { wanted, certificates: new Certificates(this.directory, form), installed, loaded, isWhole: true }
  }

  apply(delta: Delta<L7Entry>, signal: AbortSignal): Promise<void> {
    const done = this.busy.catch(() => undefined).then(() => this.change(delta, signal))
    this.busy = done
    return done
  }

  private async change(delta: Delta<L7Entry>, signal: AbortSignal): Promise<void> {
    if (this.state === undefined) await this.refreshNow()
    const { state } = this
    if (state === undefined) return
    const { wanted, certificates } = state
    const change = wanted.form.take(delta)
    for (const { key } of delta.upserts) wanted.tryAgain(key)
    const sections = new Set(wanted.follow(change))
    const reasons = this.reasonsFor(state, change, sections)
    if (state.isWhole || reasons.length > 0) for (const key of wanted.form.maps.keys()) addAll(change, key)
    await this.writeData(state, change, sections)
    if (reasons.length > 0) await this.reload(state, reasons, signal)
    const scope: Scope = state.isWhole
      ? wholeScope(wanted, state.installed, this.directory)
      : { lookups: change.lookups, sections }
    const hosts = state.isWhole ? allCertificates(state) : change.certificates
    await this.tell(state, scope, hosts, signal)
    if (!state.isWhole && change.certificates.size > 0) await certificates.writeLists()
    state.isWhole = false
    this.sweepSoon()
  }

  private async refreshNow(): Promise<void> {
    const { busy } = this
    this.busy = Promise.resolve()
    await this.refresh()
    this.busy = busy
  }

  /** Why a reload is needed, with room made for targets that wait for it. */
  private reasonsFor(state: State, change: FormChange, sections: Set<string>): readonly ReloadReason[] {
    const { wanted, loaded } = state
    const isShort = wanted.waiting.size > 0 || wanted.slots.runs.length === 0
    if (isShort) for (const section of wanted.grow(change)) sections.add(section)
    const parts = this.files.parts(wanted)
    const reasons: ReloadReason[] = this.isReloadAsked ? ['asked'] : []
    if (loaded === undefined) return ['start']
    if (parts === state.like) return reasons
    if (parts.base !== loaded.base) reasons.push('base')
    if (parts.listeners !== loaded.listeners) reasons.push('listener')
    else if (parts.frontends !== loaded.frontends) reasons.push('condition')
    if (!isDeepStrictEqual(parts.slots, loaded.slots)) reasons.push('slots')
    if (Object.entries(parts.frames).some(([name, frame]) => loaded.frames[name] !== frame)) reasons.push('section')
    state.like = reasons.length === 0 ? parts : undefined
    return reasons
  }

  /** Files that change without a reload: a HAProxy that starts now begins with them. */
  private async writeData({ wanted, loaded, isWhole }: State, change: FormChange, sections: Set<string>): Promise<void> {
    if (isWhole) await this.maps.writeAll(wanted)
    else for (const [text, keys] of change.lookups) await this.maps.write(wanted, text, keys)
    const slots = [...sections].flatMap((name) => (name.startsWith('b') ? [Number(name.slice(1))] : []))
    if (slots.length > 0) await this.files.writeSlots(wanted, slots)
    const own = [...sections].filter((name) => !name.startsWith('b'))
    if (loaded !== undefined && own.length > 0) await this.files.writeOwn(wanted, loaded, own)
  }

  private async reload(state: State, reasons: readonly ReloadReason[], signal: AbortSignal): Promise<void> {
    const { wanted, certificates } = state
    const startedAt = performance.now()
    await certificates.write(allCertificates(state))
    await certificates.writeLists()
    wanted.slots.prune()
    let parts = this.files.parts(wanted)
    for (let why = await this.place(state, parts, signal); why !== ''; why = await this.place(state, parts, signal)) {
      const isLess = await leaveOut({ ...state, why, files: this.files }, (folder) => checkConfig(folder, signal))
      if (!isLess) throw new EngineError(HAPROXY_CONFIG_REFUSED, `HAProxy refuses a configuration: ${why.slice(0, 500)}`)
      // the rules of what is left out say so in the maps
      await this.maps.writeAll(wanted)
      parts = this.files.parts(wanted)
    }
    await keepAddresses(this.directory)
    await reload(this.directory, generationOf(parts).text, signal)
    this.isReloadAsked = false
    for (const reason of reasons) this.reloads.set(reason, (this.reloads.get(reason) ?? 0) + 1)
    state.loaded = parts
    state.like = parts
    state.installed = await readInstalled(this.directory)
    state.isWhole = true
    log.info({ reasons, tookInMs: Math.round(performance.now() - startedAt) }, 'HAProxy reloaded')
  }

  private place({ wanted }: State, parts: Parts, signal: AbortSignal): Promise<string> {
    return this.files.replace(wanted, parts, (folder) => checkConfig(folder, signal))
  }

  private async tell(state: State, scope: Scope, hosts: Iterable<string>, signal: AbortSignal): Promise<void> {
    const { wanted, installed, certificates } = state
    const { runtime } = this.directory
    const { first, next, last } = commandsFor(wanted, installed, scope, this.directory)
    await tell(runtime, first)
    const isReloadNeeded = await certificates.tell(hosts, installed)
    await tell(runtime, next)
    await tell(runtime, last)
    this.commands += first.length + next.length + last.length
    if (isReloadNeeded) await this.reload(state, ['certificate'], signal)
  }

  /** Deletes servers that nobody uses any more. */
  private sweepSoon(): void {
    const { installed } = this.state ?? {}
    if (installed === undefined || installed.leaving.size === 0 || this.sweeping !== undefined) return
    this.sweeping = setTimeout(() => {
      this.sweeping = undefined
      this.busy = this.busy.catch(() => undefined).then(() => this.sweep())
      this.busy.catch((err: unknown) => log.debug({ err }, 'servers could not be deleted; trying again'))
    }, SWEEP_IN_MS).unref()
  }

  private async sweep(): Promise<void> {
    const { installed } = this.state ?? {}
    for (const path of installed?.leaving ?? []) {
      const answer = await ask(this.directory.runtime, `del server ${path}`)
      // one that was configured is there until the next reload; one with connections until they end
      if (!answer.includes('deleted') && !answer.includes('No such server')) continue
      const [section = '', name = ''] = path.split('/')
      installed?.servers.get(section)?.delete(name)
      installed?.leaving.delete(path)
    }
    this.sweepSoon()
  }
}

interface State {
  readonly wanted: Wanted
  readonly certificates: Certificates
  installed: Installed
  /** Undefined: the running process has nothing of ours. */
  loaded: Parts | undefined
  /** Parts that were seen to be those of `loaded`. */
  like?: Parts | undefined
  /** All is to be compared, not only what changed. */
  isWhole: boolean
}

function allCertificates({ wanted: { form } }: State): readonly string[] {
  const listeners = [...form.listeners.keys()]
  return [...listeners, ...listeners.flatMap((key) => form.hostCertificatesOf(key).map((one) => one.key))]
}

function addAll({ lookups }: FormChange, map: string): void {
  if (!lookups.has(map)) lookups.set(map, new Set())
}
