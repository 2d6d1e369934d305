/** The configuration as files: what only a reload changes, and sections whose servers the runtime changes too. */
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FairwayError } from '../../model/code.ts'
import { HAPROXY_ENTRY_INVALID } from '../../model/codes/haproxy.ts'
import type { Listener } from '../../model/l7.ts'
import { writeAuthProgram } from './auth-lua.ts'
import { baseText } from './base.ts'
import { type Cases, casesOf, NO_CASES } from './cases.ts'
import { BASE_FILE, type Directory } from './directory.ts'
import { writeText } from './files.ts'
import { frontendText, insideText } from './frontend.ts'
import { OwnSections, sectionsIn, sectionsText } from './own-sections.ts'
import { slotText } from './sections.ts'
import type { Run } from './slots.ts'
import { digestWord, joined, phrase, type Words } from './syntax.ts'
import type { Wanted } from './wanted.ts'

const FRONTENDS_FILE = '10-frontends.cfg'
const OWN_FILE = '20-own.cfg'
const SLOTS_OF_FILE = 64
const FRAMES_FILE = 'frames.json'

/** What only a reload changes, each part by what it was made of. */
export interface Parts {
  readonly base: string
  /** Without the cases, and with them. */
  readonly listeners: string
  readonly frontends: string
  /** What only a reload changes of each section of its own, by name. */
  readonly frames: Readonly<Record<string, string>>
  readonly slots: readonly ShapedRun[]
}

interface ShapedRun extends Run {
  readonly text: string
}

export class ConfigFiles {
  private readonly dir: string
  private readonly directory: Directory
  private known: { readonly wanted: Wanted; readonly version: number; readonly parts: Parts } | undefined
  private readonly own = new OwnSections()
  private slotsVersion = -1

  constructor(dir: string, directory: Directory) {
    this.dir = dir
    this.directory = directory
  }

  /** The same object for as long as nothing in it is different. */
  parts(wanted: Wanted): Parts {
    const { version } = wanted
    const known = this.known
    if (known?.wanted === wanted && known.version === version) return known.parts
    const parts = this.newParts(wanted)
    this.known = { wanted, version, parts }
    return parts
  }

  private newParts(wanted: Wanted): Parts {
    const { own, slots, shapes } = wanted
    return {
      base: baseText(this.dir, phrase``),
      listeners: this.frontendsText(wanted, () => NO_CASES),
      frontends: this.frontendsText(wanted, (listener) =>
        casesOf(wanted, listener.key, (rule, reason) =>
          wanted.form.left.set(rule.key, new FairwayError(HAPROXY_ENTRY_INVALID, reason)),
        ),
      ),
      frames: Object.fromEntries(
        [...own].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, { frame }]) => [name, frame]),
      ),
      slots: slots.runs.map((run) => ({ ...run, text: shapes.textOf(run.shape) })),
    }
  }

  private frontendsText(wanted: Wanted, cases: (listener: Listener) => Cases): string {
    const all = [...wanted.form.listeners.values()].sort((one, other) => (one.key < other.key ? -1 : 1))
    const tls = new Set(all.filter(({ protocol }) => protocol === 'tls').map(({ port }) => port))
    const texts = all.map((listener) => {
      const isBehindTls = listener.protocol === 'https' && tls.has(listener.port)
      return frontendText({ directory: this.directory, listener, cases: cases(listener), isBehindTls })
    })
    return [...texts, ...(tls.size > 0 ? [insideText(this.directory)] : [])].join('\n')
  }

  /** The parts that were written last; undefined when there are none, or not of that generation. */
  async readParts(generation: string): Promise<Parts | undefined> {
    try {
      const parts = JSON.parse(await readFile(join(this.dir, FRAMES_FILE), 'utf8')) as Parts
      return generationOf(parts).text === generation ? parts : undefined
    } catch {
      return undefined // the first start, or a file of another version: all is written anew
    }
  }

  /** Writes the sections of slots again, some or all. */
  async writeSlots(wanted: Wanted, slots: Iterable<number>): Promise<void> {
    const groups = new Set([...slots].map((slot) => Math.floor(slot / SLOTS_OF_FILE)))
    for (const group of groups) await writeText(join(this.directory.config, slotsFile(group)), this.slotsText(wanted, group))
    const { version } = wanted.slots
    if (version === this.slotsVersion) return
    await writeText(this.directory.slots, wanted.slots.text())
    this.slotsVersion = version
  }

  /** Writes sections of their own again, as the running process knows them; these may be different. */
  async writeOwn(wanted: Wanted, loaded: Parts, names: Iterable<string>): Promise<void> {
    for (const name of names) this.own.take(wanted, name)
    const texts = Object.entries(loaded.frames).map(([name, frame]) => this.own.sectionsOf(wanted, name) ?? sectionsIn(frame))
    await writeText(join(this.directory.config, OWN_FILE), sectionsText([...sectionsOfSlots(wanted), ...texts]))
  }

  /** Puts a whole configuration beside the one in use, and calls `check` with its folder; '' from it puts it in the place of that. */
  async replace(wanted: Wanted, parts: Parts, check: (folder: string) => Promise<string>): Promise<string> {
    const next = `${this.directory.config}.next`
    await rm(next, { recursive: true, force: true })
    await mkdir(next, { mode: 0o700 })
    // that of this version: the folder may have been made by another
    await writeAuthProgram(this.directory)
    this.own.takeAll(wanted)
    const texts = new Map([
      [BASE_FILE, baseText(this.dir, generationOf(parts))],
      [FRONTENDS_FILE, parts.frontends],
      [OWN_FILE, sectionsText([...sectionsOfSlots(wanted), ...this.own.sections])],
    ])
    for (const group of groupsOf(parts.slots)) texts.set(slotsFile(group), this.slotsText(wanted, group))
    for (const [name, text] of texts) await writeText(join(next, name), text)
    const reason = await check(next)
    if (reason === '') await this.takeOver(next, texts, parts)
    await rm(next, { recursive: true, force: true })
    return reason
  }

  /** Writes a part with nothing beside it but the base, and calls `check` with the folder. */
  async alone(text: string, check: (folder: string) => Promise<string>): Promise<string> {
    const folder = `${this.directory.config}.one`
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { mode: 0o700 })
    await writeText(join(folder, OWN_FILE), text)
    await copyFile(join(this.directory.config, BASE_FILE), join(folder, BASE_FILE))
    const reason = await check(folder)
    await rm(folder, { recursive: true, force: true })
    return reason
  }

  private async takeOver(next: string, texts: ReadonlyMap<string, string>, parts: Parts): Promise<void> {
    const { config } = this.directory
    for (const name of texts.keys()) await rename(join(next, name), join(config, name))
    for (const name of await readdir(config)) if (!texts.has(name)) await rm(join(config, name), { force: true })
    await writeText(join(this.dir, FRAMES_FILE), JSON.stringify(parts))
  }

  private slotsText(wanted: Wanted, group: number): string {
    const { slots, shapes } = wanted
    const all = slots.between(group * SLOTS_OF_FILE, (group + 1) * SLOTS_OF_FILE)
    return all.map((slot) => slotText(slot, shapes.linesOf(slots.shapeOf(slot) ?? ''), wanted.serversOfSlot(slot))).join('\n')
  }
}

/** What statements of slots name. */
function sectionsOfSlots({ slots, shapes }: Wanted): readonly (readonly string[])[] {
  return slots.runs.map(({ shape }) => shapes.sectionsOf(shape))
}

/** The files that slots are in. */
function groupsOf(runs: readonly Run[]): ReadonlySet<number> {
  const groups = new Set<number>()
  for (const { first, count } of runs)
    for (let slot = first; slot < first + count; slot++) groups.add(Math.floor(slot / SLOTS_OF_FILE))
  return groups
}

const slotsFile = (group: number): string => `30-slots-${String(group).padStart(4, '0')}.cfg`

/** One word for each part, so that who asks the running process learns which part is another one. */
export function generationOf({ base, frontends, frames, slots }: Parts): Words {
  return joined(
    [digestWord(base), digestWord(frontends), ...[frames, slots].map((part) => digestWord(JSON.stringify(part)))],
    '.',
  )
}
