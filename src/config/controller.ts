/** Configuration of the controller: flags, then the environment. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { FairwayError } from '../model/code.ts'
import { USAGE_WRONG } from '../model/codes/usage.ts'
import { readLoadBalancerClass, readReadyFd, readSeconds } from './values.ts'

export interface ControllerConfig {
  /** --kubeconfig; absent: KUBECONFIG, the service account, ~/.kube/config. */
  readonly kubeconfig?: string
  /** Where it keeps its socket: --dir. */
  readonly dir: string
  /** Where READY is written: --ready-fd. */
  readonly readyFd?: number
  /** Who it is on the Lease: --identity. */
  readonly identity: string
  /** Where the Lease is: --lease-namespace, or POD_NAMESPACE. */
  readonly leaseNamespace: string
  /** How long a leader may be silent before another one leads: --lease-seconds. */
  readonly leaseInMs: number
  /** The class of the Services that it serves: --load-balancer-class; '': those that name none. */
  readonly loadBalancerClass: string
}

const OPTIONS = {
  kubeconfig: { type: 'string' },
  dir: { type: 'string' },
  'ready-fd': { type: 'string' },
  identity: { type: 'string' },
  'lease-namespace': { type: 'string' },
  'lease-seconds': { type: 'string' },
  'load-balancer-class': { type: 'string' },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/** @throws {FairwayError} USAGE_WRONG */
export function readControllerConfig(args: readonly string[], env: Environment): ControllerConfig {
  const flags = parse(args)
  return {
    kubeconfig: flags.kubeconfig,
    dir: flags.dir ?? '/run/fairway/controller',
    readyFd: readReadyFd(flags['ready-fd']),
    // another process of the same host must not be taken for this one
    identity: flags.identity ?? `${hostname()}_${randomBytes(6).toString('hex')}`,
    leaseNamespace: flags['lease-namespace'] ?? env.POD_NAMESPACE ?? 'kube-system',
    leaseInMs: readSeconds(flags['lease-seconds'] ?? '15', '--lease-seconds') * 1000,
    loadBalancerClass: readClass(flags['load-balancer-class'], env.FAIRWAY_LOAD_BALANCER_CLASS),
  }
}

function readClass(flag: string | undefined, variable: string | undefined): string {
  if (flag !== undefined) return readLoadBalancerClass(flag, '--load-balancer-class')
  return readLoadBalancerClass(variable, 'FAIRWAY_LOAD_BALANCER_CLASS')
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (cause) {
    const names = Object.keys(OPTIONS).map((name) => `--${name}`)
    const fix = `The controller takes ${names.join(', ')}.`
    throw new FairwayError(USAGE_WRONG, cause instanceof Error ? cause.message : String(cause), { fix, cause })
  }
}
