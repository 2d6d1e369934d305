/** Typed reading of a value that came from YAML: every refusal names the field by its path, `nodes[1].ipv4`. */
import { FairwayError } from '../../model/code.ts'
import { LAB_TOPOLOGY_INVALID } from '../../model/codes/lab.ts'

/** The error of one field. `problem` begins after the field's path: `is ...`. */
export function badField(path: string, problem: string, fix: string): FairwayError {
  return new FairwayError(LAB_TOPOLOGY_INVALID, `${path === '' ? 'The topology' : path} ${problem}.`, {
    ...(path === '' ? {} : { field: path }),
    fix,
  })
}

/** A mapping whose keys are known. A null value counts as absent. */
export class Fields {
  readonly path: string
  readonly #values: ReadonlyMap<string, unknown>

  /** @throws {FairwayError} when the value is no mapping, or has a key that is not known */
  constructor(value: unknown, path: string, known: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw badField(
        path,
        `must be a mapping, and is ${show(value)}`,
        `Write \`key: value\` lines; keys are ${known.join(', ')}.`,
      )
    }
    this.path = path
    this.#values = new Map(Object.entries(value))
    const stranger = [...this.#values.keys()].find((key) => !known.includes(key))
    if (stranger === undefined) return
    const meant = nearest(stranger, known)
    const hint = meant === undefined ? '' : `Did you mean ${meant}? `
    throw badField(this.at(stranger), 'is no field of a topology', `${hint}Fields here are ${known.join(', ')}.`)
  }

  /** The path of a field of this mapping. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  /** The raw value; undefined when absent. */
  raw(name: string): unknown {
    return this.#values.get(name) ?? undefined
  }

  /** @throws {FairwayError} */
  text(name: string): string | undefined {
    const value = this.raw(name)
    if (value === undefined || typeof value === 'string') return value
    throw badField(this.at(name), `must be text, and is ${show(value)}`, 'Put it in quotes.')
  }

  /** @throws {FairwayError} */
  flag(name: string): boolean | undefined {
    const value = this.raw(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw badField(this.at(name), `must be true or false, and is ${show(value)}`, 'Write true or false, without quotes.')
  }

  /** Each entry with its path. @throws {FairwayError} */
  list(name: string): readonly { readonly value: unknown; readonly path: string }[] | undefined {
    const value = this.raw(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value))
      throw badField(this.at(name), `must be a list, and is ${show(value)}`, 'Begin each entry with `- `.')
    return value.map((each: unknown, index) => ({ value: each, path: `${this.at(name)}[${index}]` }))
  }

  /** A mapping of texts with any keys. @throws {FairwayError} */
  texts(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.raw(name)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badField(this.at(name), `must be a mapping, and is ${show(value)}`, 'Write `key: value` lines.')
    for (const [key, each] of Object.entries(value))
      if (typeof each !== 'string')
        throw badField(`${this.at(name)}.${key}`, `must be text, and is ${show(each)}`, 'Put it in quotes.')
    return value as Readonly<Record<string, string>>
  }
}

/** A value as the user wrote it, cut short. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** The known word that is fewest edits away, if it is near at all. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((each) => ({ each, distance: editDistance(word.toLowerCase(), each.toLowerCase()) }))
  const best = ranked.toSorted((a, b) => a.distance - b.distance)[0]
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.each.length / 3)) ? best.each : undefined
}

/** Levenshtein's, row by row. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (const [column, each] of [...other].entries())
      next.push(Math.min((row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1, (row[column] ?? 0) + (letter === each ? 0 : 1)))
    row = next
  }
  return row[other.length] ?? 0
}
