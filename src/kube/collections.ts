/** Several collections at once, for programs that show a cluster; collections-watch.ts follows them. */
import type { Finding } from '../model/code.ts'
import { isNotFound } from './api-error.ts'
import type { KubeClient } from './client.ts'
import type { Converted } from './converted.ts'
import { listAll } from './list-pages.ts'
import { decode } from './object-store.ts'
import type { Resource } from './resource.ts'
import type { KubeObject } from './types.ts'

/** One collection and what is made of its objects. Those without a value are left out. */
export interface Collection<T extends KubeObject, M> {
  readonly resource: Resource<T>
  readonly convert: (raw: T) => Converted<M>
  /** Not every server has it: where it is unknown there are none. */
  readonly optional?: boolean
  readonly fieldSelector?: string
}

/** Collections by name. A mapped type of conversions keeps each map's own type. */
export type Values<V> = { readonly [K in keyof V]: ReadonlyMap<string, V[K]> }
export type Collections<V> = { readonly [K in keyof V]: Collection<never, V[K]> }

/** What the collections hold: values by `namespace/name`, what of the objects was unusable, and which kinds the server lacks. */
export interface Contents<V> {
  readonly values: Values<V>
  readonly findings: readonly Finding[]
  readonly absent: ReadonlySet<keyof V>
}

/** `collection` as one of `Collections`: its objects' type matters to its own converter only. */
export function collection<T extends KubeObject, M>(of: Collection<T, M>): Collection<never, M> {
  return of as unknown as Collection<never, M>
}

/** Reads every collection to its end, all at once. @throws {FairwayError} as the client does */
export async function readCollections<V>(
  client: KubeClient,
  collections: Collections<V>,
  signal: AbortSignal,
): Promise<Contents<V>> {
  const named = Object.entries(collections) as [keyof V & string, Collection<KubeObject, unknown>][]
  const read = await Promise.all(named.map(async ([name, of]) => [name, await readOne(client, of, signal)] as const))
  return contentsOf<V>(read)
}

/** What was made of one collection. */
export interface Taken {
  readonly objects: ReadonlyMap<string, Converted<unknown>>
  readonly absent: boolean
}

async function readOne(client: KubeClient, of: Collection<KubeObject, unknown>, signal: AbortSignal): Promise<Taken> {
  const objects = new Map<string, Converted<unknown>>()
  try {
    const whole = await listAll({
      ...{ client, resource: of.resource, fieldSelector: of.fieldSelector, signal },
      decode: (raw) => decode(raw, of.convert, (_, error) => rethrow(error)),
    })
    for (const [key, { value }] of whole.objects) if (value !== undefined) objects.set(key, value)
    return { objects, absent: false }
  } catch (error) {
    if (of.optional === true && isNotFound(error)) return { objects, absent: true }
    throw error
  }
}

function rethrow(error: unknown): never {
  throw error
}

export function contentsOf<V>(read: readonly (readonly [string, Taken])[]): Contents<V> {
  const values = read.map(([name, { objects }]) => [
    name,
    new Map([...objects].flatMap(([key, { value }]) => (value === undefined ? [] : [[key, value] as const]))),
  ])
  const absent = new Set(read.filter(([, one]) => one.absent).map(([name]) => name))
  return {
    values: Object.fromEntries(values) as Values<V>,
    findings: read.flatMap(([, { objects }]) => [...objects.values()].flatMap((converted) => converted.findings)),
    absent: absent as unknown as ReadonlySet<keyof V>,
  }
}
