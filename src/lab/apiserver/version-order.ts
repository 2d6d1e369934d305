/** The order of an API's versions. Source: apimachinery pkg/version/helpers.go, CompareKubeAwareVersionStrings. */

const RANK: Readonly<Record<string, number>> = { '': 3, beta: 2, alpha: 1 }

/** Sorts the version that clients should prefer first: v2, v1, v2beta1, v1beta2, v1alpha1, then what is named otherwise. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a)
  const right = parse(b)
  if (left === undefined || right === undefined) {
    if (left === undefined && right === undefined) return a < b ? -1 : a === b ? 0 : 1
    return left === undefined ? 1 : -1
  }
  return right.rank - left.rank || right.major - left.major || right.minor - left.minor
}

function parse(version: string): { readonly rank: number; readonly major: number; readonly minor: number } | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (match === null) return undefined
  const [, major, stage = '', minor = '0'] = match
  return { rank: RANK[stage] ?? 0, major: Number(major), minor: Number(minor) }
}
