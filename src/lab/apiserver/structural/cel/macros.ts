/** Macros that Kubernetes has beyond those of the library. */

/** None yet. */
export const MACROS: readonly (readonly [signature: string, expand: (...values: never[]) => unknown])[] = []
