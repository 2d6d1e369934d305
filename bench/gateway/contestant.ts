/** Who serves routes in the benchmark. Route N is the host `rN.example.com`, which goes to a pod of the site. */
import { PODS, type Site } from './site.ts'

export const hostOf = (route: number): string => `r${route}.example.com`
/** Which pod answers for a route after so many changes of it. */
export const podOf = (route: number, turn: number): string => PODS[(route + turn) % PODS.length] ?? ''

/** Processes that are measured. */
export interface Processes {
  readonly name: string
  readonly pids: readonly number[]
}

export interface Contestant {
  readonly name: string
  readonly port: number
  /** Serves routes 0 to `routes - 1` when it resolves. */
  open(site: Site, routes: number): Promise<void>
  /** Adds the next route, or sends one to another pod. Returns at once; that it works is seen from outside. */
  add(route: number): Promise<void> | void
  move(route: number, turn: number): Promise<void> | void
  /** Resolves when the next change may be made. */
  rest(): Promise<void>
  readonly processes: readonly Processes[]
  close(): Promise<void>
}
