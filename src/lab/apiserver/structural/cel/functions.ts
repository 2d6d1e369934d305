/** A function that is added to CEL. */

/** Signature as `RECEIVER.NAME(TYPES): TYPE`. It throws a CelFailure when its arguments are no good. */
export type CelFunction = readonly [signature: string, run: (...values: never[]) => unknown]

/** A CEL type of ours: a name for signatures, and the class of its values. */
export interface CelClass {
  readonly name: string
  readonly of: abstract new (...values: never[]) => object
  /** A constant of the type under a name, for functions as `NAME.function()`. */
  readonly constant?: { readonly name: string; readonly value: object }
}

/** Functions that belong together. */
export interface CelLibrary {
  readonly classes: readonly CelClass[]
  readonly functions: readonly CelFunction[]
  /** `==` of types of ours is theirs. */
  readonly operators?: readonly CelFunction[]
}

/** Why a function has no answer, in the words of Kubernetes. */
export class CelFailure extends Error {}
