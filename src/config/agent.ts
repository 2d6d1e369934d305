/** Configuration of the agent: flags, then the environment. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FairwayError } from '../model/code.ts'
import { USAGE_WRONG } from '../model/codes/usage.ts'
import { readCidrs, readListen, readLoadBalancerClass } from './values.ts'

/** Whether Fairway carries Services on the node: when nobody else does, always, or never. */
export type ServiceProxyMode = 'auto' | 'fairway' | 'none'

/** Whether the node speaks BGP: when a peer asks for it, or never. */
export type BgpMode = 'auto' | 'none'

/** Whether the node announces load-balancer addresses by ARP and NDP: when an L2Advertisement asks for it, or never. */
export type L2Mode = 'auto' | 'none'

/** Where to listen; `host` empty: every address. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface AgentConfig {
  /** The node's name in the API: --node, or NODE_NAME. */
  readonly node: string
  /** --kubeconfig; absent: KUBECONFIG, the service account, ~/.kube/config. */
  readonly kubeconfig?: string
  /** Where the agent keeps its socket: --dir. */
  readonly dir: string
  /** Where READY is written: --ready-fd. */
  readonly readyFd?: number
  /** Remove everything from the node and end: --cleanup. */
  readonly cleanup: boolean
  readonly serviceProxy: ServiceProxyMode
  /** Which of the node's addresses answer nodePorts, as CIDR text, or the first of each family; absent: all that the Node object has. */
  readonly nodePortAddresses?: 'primary' | readonly string[]
  /** Addresses that Services may ask for as externalIPs, as CIDR text. */
  readonly externalIPs: readonly string[]
  /** Where load balancers ask whether the node is well; absent: nowhere. */
  readonly health?: ListenAddress
  readonly bgp: BgpMode
  /** Where the node's BIRD keeps its files: --bird-dir. It outlives the agent, and so should they. */
  readonly birdDir: string
  /** From the first word that the node is to drain to the withdrawal of its routes; `Infinity`: they stay, discouraged. */
  readonly bgpDrainInS: number
  readonly l2: L2Mode
  /** The class of the Services whose addresses it announces: --load-balancer-class; '': those that name none. */
  readonly loadBalancerClass: string
}

const DEFAULT_DIR = '/run/fairway/agent'
/** A neighbour acts on GRACEFUL_SHUTDOWN within seconds. */
const DEFAULT_DRAIN_IN_S = 5
/** kube-proxy's own, which cloud load balancers ask. */
const DEFAULT_HEALTH = '0.0.0.0:10256'

/** What may come from the environment, for what has no flag. */
const ENVIRONMENT = {
  node: 'NODE_NAME',
  'service-proxy': 'FAIRWAY_SERVICE_PROXY',
  'node-port-addresses': 'FAIRWAY_NODE_PORT_ADDRESSES',
  'external-ips': 'FAIRWAY_EXTERNAL_IPS',
  'health-address': 'FAIRWAY_HEALTH_ADDRESS',
  bgp: 'FAIRWAY_BGP',
  'bgp-drain': 'FAIRWAY_BGP_DRAIN',
  l2: 'FAIRWAY_L2',
  'load-balancer-class': 'FAIRWAY_LOAD_BALANCER_CLASS',
} as const

const OPTIONS = {
  node: { type: 'string' },
  kubeconfig: { type: 'string' },
  dir: { type: 'string' },
  'ready-fd': { type: 'string' },
  cleanup: { type: 'boolean' },
  'service-proxy': { type: 'string' },
  'node-port-addresses': { type: 'string' },
  'external-ips': { type: 'string' },
  'health-address': { type: 'string' },
  bgp: { type: 'string' },
  'bird-dir': { type: 'string' },
  'bgp-drain': { type: 'string' },
  l2: { type: 'string' },
  'load-balancer-class': { type: 'string' },
} as const

/** @throws {FairwayError} USAGE_WRONG */
export function readAgentConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): AgentConfig {
  const flags = parse(args)
  const { cleanup = false, kubeconfig, dir = DEFAULT_DIR } = flags
  /** The value, and the name of where it was written. */
  const read = (name: keyof typeof ENVIRONMENT): readonly [string | undefined, string] => {
    const variable = ENVIRONMENT[name]
    return flags[name] === undefined && env[variable] !== undefined ? [env[variable], variable] : [flags[name], `--${name}`]
  }
  const [node = ''] = read('node')
  if (node === '' && !cleanup) {
    const fix = 'Give --node NAME, or set NODE_NAME as the DaemonSet does.'
    throw new FairwayError(USAGE_WRONG, 'The agent was not told the name of its node.', { field: '--node', fix })
  }
  return {
    node,
    kubeconfig,
    dir,
    readyFd: readReadyFd(flags['ready-fd']),
    cleanup,
    serviceProxy: readServiceProxy(...read('service-proxy')),
    nodePortAddresses: readNodePortAddresses(...read('node-port-addresses')),
    externalIPs: readCidrs(...read('external-ips')),
    health: readListen(...read('health-address'), DEFAULT_HEALTH),
    bgp: readBgp(...read('bgp')),
    birdDir: flags['bird-dir'] ?? join(dir, 'bird'),
    bgpDrainInS: readBgpDrain(...read('bgp-drain')),
    l2: readL2(...read('l2')),
    loadBalancerClass: readLoadBalancerClass(...read('load-balancer-class')),
  }
}

function readReadyFd(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const readyFd = Number(text)
  if (Number.isInteger(readyFd) && readyFd > 2) return readyFd
  const message = `--ready-fd is "${text}", which is not the number of an open descriptor above 2.`
  throw new FairwayError(USAGE_WRONG, message, { field: '--ready-fd' })
}

function readServiceProxy(text: string | undefined, field: string): ServiceProxyMode {
  if (text === undefined || text === '') return 'auto'
  if (text === 'auto' || text === 'fairway' || text === 'none') return text
  const fix =
    'Give auto (Fairway carries Services where no other proxy does), fairway (always) or none (never; hostPorts are served still).'
  throw new FairwayError(USAGE_WRONG, `${field} is "${text}", which is not auto, fairway or none.`, { field, fix })
}

function readBgp(text: string | undefined, field: string): BgpMode {
  if (text === undefined || text === '') return 'auto'
  if (text === 'auto' || text === 'none') return text
  const fix = 'Give auto (the node speaks BGP when a BGPPeer chooses it) or none (never; another program does, or nobody).'
  throw new FairwayError(USAGE_WRONG, `${field} is "${text}", which is not auto or none.`, { field, fix })
}

function readL2(text: string | undefined, field: string): L2Mode {
  if (text === undefined || text === '') return 'auto'
  if (text === 'auto' || text === 'none') return text
  const fix =
    'Give auto (the node announces addresses that an L2Advertisement chooses) or none (never; another program does, or nobody).'
  throw new FairwayError(USAGE_WRONG, `${field} is "${text}", which is not auto or none.`, { field, fix })
}

function readBgpDrain(text: string | undefined, field: string): number {
  if (text === undefined || text === '') return DEFAULT_DRAIN_IN_S
  if (text === 'never') return Number.POSITIVE_INFINITY
  if (/^\d{1,5}$/.test(text)) return Number(text)
  const fix = 'Give whole seconds from the start of a drain to the withdrawal of routes, like 5, or never.'
  throw new FairwayError(USAGE_WRONG, `${field} is "${text}", which is not a number of seconds or never.`, { field, fix })
}

function readNodePortAddresses(text: string | undefined, field: string): AgentConfig['nodePortAddresses'] {
  if (text === undefined || text === '') return undefined
  return text === 'primary' ? 'primary' : readCidrs(text, field)
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (cause) {
    const fix = `The agent takes ${Object.keys(OPTIONS)
      .map((name) => `--${name}`)
      .join(', ')}.`
    throw new FairwayError(USAGE_WRONG, cause instanceof Error ? cause.message : String(cause), { fix, cause })
  }
}
