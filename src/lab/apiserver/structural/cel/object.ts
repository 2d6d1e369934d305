/** Objects as CEL sees them. */
import { equal } from '../value.ts'

/** Turns a JSON value into one of CEL. */
export type Convert = (value: unknown) => unknown

/** An object of a schema. Each type has a subclass of its own, with a getter for each field; values are converted when asked for. */
export abstract class CelObject {
  readonly #raw: Readonly<Record<string, unknown>>

  constructor(raw: Readonly<Record<string, unknown>>) {
    this.#raw = raw
  }

  static get(object: CelObject, name: string): unknown {
    return Object.hasOwn(object.#raw, name) ? object.#raw[name] : undefined
  }

  static same(left: CelObject, right: unknown): boolean {
    return right instanceof CelObject && equal(left.#raw, right.#raw)
  }
}

/** A subclass whose getters are `fields`, by the name that rules use. */
export function objectClass(
  fields: ReadonlyMap<string, { readonly name: string; readonly convert: Convert }>,
): new (
  raw: Readonly<Record<string, unknown>>,
) => CelObject {
  const type = class extends CelObject {}
  for (const [identifier, { name, convert }] of fields) {
    Object.defineProperty(type.prototype, identifier, {
      get(this: CelObject) {
        const value = CelObject.get(this, name)
        return value === undefined ? undefined : convert(value)
      },
    })
  }
  return type
}
