/** Settings of users, read from JSON of any shape: a server without the definition's rules stores anything. */
import type { Code, Finding } from '../model/code.ts'
import { canonicalAddress, canonicalCidr } from './address.ts'
import type { Converted } from './converted.ts'
import { parseGoDuration } from './go-duration.ts'
import { keyOf } from './resource.ts'
import type { KubeObject } from './types.ts'

/** An object of settings. Nothing of its spec is trusted to have any shape. */
export interface SettingsObject extends KubeObject {
  readonly spec?: unknown
}

export interface About {
  /** Of the findings. */
  readonly code: Code
  /** As in subjects: `bgppeer`. */
  readonly kind: string
  /** What the object is to people: `peer`. */
  readonly noun: string
}

type Json = Readonly<Record<string, unknown>>

const SHOWN = 80

/** What was found wrong with one object. One setting that is wrong in itself makes the whole object unusable. */
export class Notes {
  readonly findings: Finding[] = []
  private usable = true
  private readonly fields = new Set<string>()
  private readonly about: About
  private readonly subject: string

  constructor(about: About, object: KubeObject) {
    this.about = about
    this.subject = `${about.kind}/${keyOf(object)}`
  }

  /** The object cannot be used. `wanted` ends a sentence: "which is not WANTED". */
  refuse(field: string, value: unknown, wanted: string): void {
    this.usable = false
    this.note(field, `${shown(value)}, which is not ${wanted}; the ${this.about.noun} is not used.`)
  }

  /** The object cannot be used, for a reason that is a sentence about the field: "FIELD REASON". */
  forbid(field: string, reason: string): void {
    this.usable = false
    this.add(field, `${this.subject}: ${field} ${reason}; the ${this.about.noun} is not used.`)
  }

  /** The object is used as if nothing were said here. */
  ignore(field: string): void {
    this.add(field, `${this.subject}: ${field} is not supported; the ${this.about.noun} is used without it.`)
  }

  /** Only this entry of a list is left out. */
  skip(field: string, value: unknown, wanted: string): void {
    this.note(field, `${shown(value)}, which is not ${wanted}; it is left out.`)
  }

  /** The value, unless the object cannot be used. */
  result<M>(value: M): Converted<M> {
    return this.usable ? { value, findings: this.findings } : { findings: this.findings }
  }

  private note(field: string, rest: string): void {
    this.add(field, `${this.subject}: ${field} is ${rest}`)
  }

  /** What follows from a value that was noted already is no news. */
  private add(field: string, message: string): void {
    if (this.fields.has(field)) return
    this.fields.add(field)
    const found: Finding = { code: this.about.code, subjects: [this.subject], message, fix: `Correct ${field}.` }
    this.findings.push(found)
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value ?? null)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}

export interface Range {
  readonly least: number
  readonly most: number
  /** What it is when nothing is said. */
  readonly unset: number
}

/** The fields of one JSON object. What is null or empty counts as not said. */
export class Fields {
  readonly notes: Notes
  private readonly path: string
  private readonly fields: Json

  constructor(notes: Notes, value: unknown, path: string) {
    this.notes = notes
    this.path = path
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    this.fields = isObject ? (value as Json) : {}
    if (!isObject && value !== undefined && value !== null) notes.refuse(path, value, 'an object')
  }

  name(field: string): string {
    return `${this.path}.${field}`
  }

  /** What the field holds, undefined for null. */
  raw(field: string): unknown {
    return Object.hasOwn(this.fields, field) ? (this.fields[field] ?? undefined) : undefined
  }

  /** '' when nothing is said. */
  text(field: string): string {
    const value = this.raw(field)
    if (value === undefined) return ''
    if (typeof value === 'string') return value
    this.notes.refuse(this.name(field), value, 'a text')
    return ''
  }

  flag(field: string): boolean {
    const value = this.raw(field)
    if (value !== undefined && typeof value !== 'boolean') this.notes.refuse(this.name(field), value, 'true or false')
    return value === true
  }

  whole(field: string, { least, most, unset }: Range): number {
    const value = this.raw(field)
    if (value === undefined) return unset
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    this.notes.refuse(this.name(field), value, `a whole number from ${least} to ${most}`)
    return unset
  }

  /** Seconds; `wanted` names what `fits` accepts. */
  duration(field: string, unset: number, [wanted, fits]: readonly [string, (inS: number) => boolean]): number {
    const text = this.text(field)
    if (text === '') return unset
    const inS = parseGoDuration(text)
    if (inS !== undefined && fits(inS)) return inS
    this.notes.refuse(this.name(field), text, wanted)
    return unset
  }

  /** Canonical text; '' when nothing is said. */
  address(field: string): string {
    const text = this.text(field)
    const address = text === '' ? '' : canonicalAddress(text)
    if (address === undefined) this.notes.refuse(this.name(field), text, 'an IP address')
    return address ?? ''
  }

  child(field: string): Fields | undefined {
    const value = this.raw(field)
    return value === undefined ? undefined : new Fields(this.notes, value, this.name(field))
  }

  /** Everything in a list, each with the name of its place. */
  list(field: string): readonly (readonly [value: unknown, name: string])[] {
    const value = this.raw(field)
    if (value === undefined) return []
    if (Array.isArray(value)) return value.map((one: unknown, index) => [one, `${this.name(field)}[${index}]`])
    this.notes.refuse(this.name(field), value, 'a list')
    return []
  }

  children(field: string): readonly Fields[] {
    return this.list(field).map(([value, name]) => new Fields(this.notes, value, name))
  }

  /** Sorted, each once. */
  texts(field: string): readonly string[] {
    return sorted(
      this.list(field).flatMap(([value, name]) => {
        if (typeof value === 'string' && value !== '') return [value]
        this.notes.refuse(name, value, 'a text')
        return []
      }),
    )
  }

  /** Canonical, sorted, each once; an entry that is none is left out. */
  cidrs(field: string): readonly string[] {
    return sorted(
      this.list(field).flatMap(([value, name]) => {
        const cidr = typeof value === 'string' ? canonicalCidr(value) : undefined
        if (cidr === undefined) this.notes.skip(name, value, 'a prefix')
        return cidr ?? []
      }),
    )
  }

  /** Every field with its value. */
  entries(): readonly (readonly [string, unknown])[] {
    return Object.entries(this.fields)
  }
}

export function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted()
}
