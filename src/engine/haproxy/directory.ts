/** The folder that a gateway's two processes share: which file is where. */
import { join } from 'node:path'

export interface Directory {
  /** Where HAProxy reads every `.cfg`, in the order of their names. */
  readonly config: string
  readonly maps: string
  readonly certificates: string
  /** Which target has which slot. */
  readonly slots: string
  /** The worker's socket, and the master's. */
  readonly runtime: string
  readonly master: string
  /** The addresses that names had last, in HAProxy's form. */
  readonly addresses: string
  /** Answers 200 while HAProxy runs. */
  readonly health: string
  /** Where it tells what it has counted, in Prometheus' words. */
  readonly metrics: string
  /** From a listener that passes TLS on to the one that ends it. */
  readonly inside: string
  /** From the program that asks who may pass to sections that know whom to ask. */
  readonly auth: string
  readonly authProgram: string
}

export function directoryAt(dir: string): Directory {
  return {
    config: join(dir, 'conf.d'),
    maps: join(dir, 'maps'),
    certificates: join(dir, 'certificates'),
    slots: join(dir, 'slots.map'),
    runtime: join(dir, 'runtime.sock'),
    master: join(dir, 'master.sock'),
    addresses: join(dir, 'addresses.state'),
    health: join(dir, 'health.sock'),
    metrics: join(dir, 'metrics.sock'),
    inside: join(dir, 'inside.sock'),
    auth: join(dir, 'auth.sock'),
    authProgram: join(dir, 'auth.lua'),
  }
}

export const BASE_FILE = '00-base.cfg'

/** How HAProxy is started over the folder: a master that stays, so that a reload keeps its process. */
export function haproxyArgs(dir: string): readonly string[] {
  const { config, master } = directoryAt(dir)
  return ['-W', '-db', '-S', `unix@${master},mode,600`, '-f', `${config}/`]
}

export function authSocket({ auth }: Directory): string {
  return `unix@${auth}`
}
