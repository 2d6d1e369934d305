/** Configuration of the layer-seven gateway: flags, then the environment. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { FairwayError } from '../model/code.ts'
import { USAGE_WRONG } from '../model/codes/usage.ts'
import { readListen, readObjectKey, readPort, readReadyFd, readSeconds } from './values.ts'

export interface GatewayConfig {
  /** Only lays the directory that the proxy starts from: --prepare. */
  readonly isPreparing: boolean
  /** --kubeconfig; absent: KUBECONFIG, the service account, ~/.kube/config. */
  readonly kubeconfig?: string
  /** What it shares with the proxy: --dir. */
  readonly dir: string
  /** Where READY is written: --ready-fd. */
  readonly readyFd?: number
  /** Where clients connect: --http-port, --https-port. */
  readonly httpPort: number
  readonly httpsPort: number
  /** Clients speak the PROXY protocol: --proxy-protocol. */
  readonly takesProxyProtocol: boolean
  /** NAMESPACE/NAME of the Secret for hosts without a certificate: --default-certificate; '': none. */
  readonly defaultCertificate: string
  /** The only class that it serves, by name: --ingress-class; '': all whose controller is Fairway. */
  readonly ingressClass: string
  /** Where it says in Ingresses that it is reached: --publish-service, --publish-address; else the nodes of pods like its own. */
  readonly publishService: string
  readonly publishAddresses: readonly string[]
  /** This process' own pod, by POD_NAMESPACE and POD_NAME; '' outside of one. */
  readonly pod: string
  /** Where it is asked how it is: --health-listen; undefined: on its socket alone. */
  readonly health?: { readonly host: string; readonly port: number }
  /** Who it is on the Lease: --identity. */
  readonly identity: string
  /** Where the Lease is: --lease-namespace, or POD_NAMESPACE. */
  readonly leaseNamespace: string
  /** How long a leader may be silent before another one leads: --lease-seconds. */
  readonly leaseInMs: number
}

const OPTIONS = {
  prepare: { type: 'boolean' },
  kubeconfig: { type: 'string' },
  dir: { type: 'string' },
  'ready-fd': { type: 'string' },
  'http-port': { type: 'string' },
  'https-port': { type: 'string' },
  'proxy-protocol': { type: 'boolean' },
  'default-certificate': { type: 'string' },
  'ingress-class': { type: 'string' },
  'publish-service': { type: 'string' },
  'publish-address': { type: 'string' },
  'health-listen': { type: 'string' },
  identity: { type: 'string' },
  'lease-namespace': { type: 'string' },
  'lease-seconds': { type: 'string' },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/** @throws {FairwayError} USAGE_WRONG */
export function readGatewayConfig(args: readonly string[], env: Environment): GatewayConfig {
  const flags = parse(args)
  const { POD_NAMESPACE: namespace = '', POD_NAME: name = '' } = env
  return {
    isPreparing: flags.prepare ?? false,
    kubeconfig: flags.kubeconfig,
    dir: flags.dir ?? '/run/fairway/gateway',
    readyFd: readReadyFd(flags['ready-fd']),
    ...readPorts(flags['http-port'], flags['https-port']),
    takesProxyProtocol: flags['proxy-protocol'] ?? false,
    defaultCertificate: readObjectKey(flags['default-certificate'], '--default-certificate'),
    ingressClass: flags['ingress-class'] ?? '',
    ...readPublished(flags['publish-service'], flags['publish-address']),
    pod: namespace === '' || name === '' ? '' : `${namespace}/${name}`,
    health: readListen(flags['health-listen'], '--health-listen', 'none'),
    // another process of the same host must not be taken for this one
    identity: flags.identity ?? `${name || hostname()}_${randomBytes(6).toString('hex')}`,
    leaseNamespace: flags['lease-namespace'] ?? (namespace || 'kube-system'),
    leaseInMs: readSeconds(flags['lease-seconds'] ?? '15', '--lease-seconds') * 1000,
  }
}

function readPorts(http = '80', https = '443'): Pick<GatewayConfig, 'httpPort' | 'httpsPort'> {
  const ports = { httpPort: readPort(http, '--http-port'), httpsPort: readPort(https, '--https-port') }
  if (ports.httpPort !== ports.httpsPort) return ports
  const field = '--https-port'
  throw new FairwayError(USAGE_WRONG, `--http-port and --https-port are both ${ports.httpPort}.`, {
    field,
    fix: 'Give two ports.',
  })
}

function readPublished(
  service: string | undefined,
  addresses: string | undefined,
): Pick<GatewayConfig, 'publishService' | 'publishAddresses'> {
  const field = '--publish-address'
  const list = (addresses ?? '').split(',').filter((part) => part !== '')
  const wrong = list.find((part) => !/^[A-Za-z0-9.:-]+$/.test(part))
  const fix = 'Give addresses or names like 192.0.2.1,2001:db8::1, separated by commas.'
  if (wrong !== undefined)
    throw new FairwayError(USAGE_WRONG, `${field} has "${wrong}", which is no address or name.`, { field, fix })
  const publishService = readObjectKey(service, '--publish-service')
  if (publishService === '' || list.length === 0) return { publishService, publishAddresses: list }
  throw new FairwayError(USAGE_WRONG, 'There are --publish-service and --publish-address.', { field, fix: 'Give one of them.' })
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (cause) {
    const names = Object.keys(OPTIONS).map((name) => `--${name}`)
    const fix = `The gateway takes ${names.join(', ')}.`
    throw new FairwayError(USAGE_WRONG, cause instanceof Error ? cause.message : String(cause), { fix, cause })
  }
}
