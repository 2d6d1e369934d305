/** The lines of a watch. Source: apimachinery pkg/apis/meta/v1/watch.go; "Kubernetes API Concepts", efficient detection of changes. */
import type { KubeObject, Status } from './types.ts'

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T; readonly resourceVersion: string }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly endsInitial: boolean }
  | { readonly type: 'ERROR'; readonly status: Status }

const INITIAL_END = 'k8s.io/initial-events-end'

/** A line that is no watch event. */
export class WatchLineError extends Error {
  override readonly name = 'WatchLineError'
}

/** Reads one line. @throws {WatchLineError} */
export function parseWatchLine<T extends KubeObject>(line: string): WatchEvent<T> {
  const event = parseJson(line)
  const object = event.object
  if (typeof object !== 'object' || object === null) throw new WatchLineError(`no object in ${line.slice(0, 120)}`)
  if (event.type === 'ERROR') return { type: 'ERROR', status: object }
  const { metadata } = object as Partial<KubeObject>
  const resourceVersion = metadata?.resourceVersion ?? ''
  if (resourceVersion === '') throw new WatchLineError(`no resourceVersion in ${line.slice(0, 120)}`)
  if (event.type === 'BOOKMARK') {
    return { type: 'BOOKMARK', resourceVersion, endsInitial: metadata?.annotations?.[INITIAL_END] === 'true' }
  }
  if (event.type !== 'ADDED' && event.type !== 'MODIFIED' && event.type !== 'DELETED') {
    throw new WatchLineError(`unknown type in ${line.slice(0, 120)}`)
  }
  if (!metadata?.name) throw new WatchLineError(`no name in ${line.slice(0, 120)}`)
  return { type: event.type, object: object as T, resourceVersion }
}

function parseJson(line: string): { readonly type?: unknown; readonly object?: unknown } {
  try {
    const event: unknown = JSON.parse(line)
    if (typeof event === 'object' && event !== null) return event
  } catch {
    // said below, with the line
  }
  throw new WatchLineError(`no JSON object in ${line.slice(0, 120)}`)
}

/** Whether `a` comes before or is `b`; false when either is not a number, as versions are then opaque. */
export function notAfter(a: string, b: string): boolean {
  return /^\d+$/.test(a) && /^\d+$/.test(b) && (a.length === b.length ? a <= b : a.length < b.length)
}
