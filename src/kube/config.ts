/**
 * Where the API server is and who we are: from a kubeconfig, or from the pod's service account.
 *
 * Certificates, tokens and passwords are read here. Programs and providers (`exec`, `auth-provider`) are left to
 * @kubernetes/client-node, which is imported only then: it costs 0.4 s and 80 MB at start, this file 25 ms.
 */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { FairwayError } from '../model/code.ts'
import { KUBE_CONFIG_INVALID, KUBE_CONFIG_UNREADABLE } from '../model/codes/kube.ts'
import { readKubeConfigFiles } from './config-file.ts'
import { type Credentials, credentialsOf } from './credentials.ts'

/** All that a client needs. */
export interface ClientConfig {
  /** `https://host:port`, with a path prefix if the kubeconfig has one; no slash at the end. */
  readonly server: string
  /** PEM of the authorities that the server is checked against; absent: those of Node. */
  readonly ca?: string
  readonly insecure: boolean
  readonly serverName?: string
  readonly proxy?: string
  /** The namespace of the context; `default` when it names none. */
  readonly namespace: string
  /** Where this came from, for messages. */
  readonly source: string
  /** Asked before every request, since tokens change. @throws {FairwayError} */
  credentials(): Promise<Credentials>
}

export interface KubeConfigOptions {
  /** A kubeconfig file; absent: KUBECONFIG (several files are merged), then the service account, then ~/.kube/config. */
  readonly path?: string
  /** A context of the file; absent: its current one. */
  readonly context?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Finds and reads the configuration. @throws {FairwayError} KUBE_CONFIG_UNREADABLE, KUBE_CONFIG_INVALID */
export function loadKubeConfig(options: KubeConfigOptions = {}): ClientConfig {
  const env = options.env ?? process.env
  if (options.path) return fromFiles([options.path], options.context)
  if (env.KUBECONFIG) return fromFiles(env.KUBECONFIG.split(delimiter).filter(Boolean), options.context)
  if (env.KUBERNETES_SERVICE_HOST && existsSync(join(SERVICE_ACCOUNT_DIR, 'token'))) return fromServiceAccount(env)
  return fromFiles([join(homedir(), '.kube', 'config')], options.context)
}

/** The service account that a pod is given. Source: client-go rest.InClusterConfig. */
function fromServiceAccount(env: Readonly<Record<string, string | undefined>>): ClientConfig {
  const host = env.KUBERNETES_SERVICE_HOST ?? ''
  const namespaceFile = join(SERVICE_ACCOUNT_DIR, 'namespace')
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`,
    ca: readFileSync(join(SERVICE_ACCOUNT_DIR, 'ca.crt'), 'utf8'),
    insecure: false,
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : 'default',
    source: SERVICE_ACCOUNT_DIR,
    credentials: credentialsOf({ tokenFile: join(SERVICE_ACCOUNT_DIR, 'token') }),
  }
}

function fromFiles(paths: readonly string[], contextName: string | undefined): ClientConfig {
  const file = readKubeConfigFiles(paths)
  const source = paths.join(delimiter)
  const name = contextName ?? file['current-context'] ?? ''
  const context = named(file.contexts, name, { source, what: 'context' }).context ?? {}
  const cluster = named(file.clusters, context.cluster ?? '', { source, what: 'cluster' }).cluster ?? {}
  const user = context.user ? (named(file.users, context.user, { source, what: 'user' }).user ?? {}) : {}
  return {
    server: serverOf(cluster.server, source),
    ca: pemOf(cluster['certificate-authority-data'], cluster['certificate-authority']),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    serverName: cluster['tls-server-name'],
    proxy: cluster['proxy-url'],
    namespace: context.namespace || 'default',
    source,
    credentials: credentialsOf({
      cert: pemOf(user['client-certificate-data'], user['client-certificate']),
      key: pemOf(user['client-key-data'], user['client-key']),
      token: user.token,
      tokenFile: user.tokenFile,
      username: user.username,
      password: user.password,
      impersonate: user.as,
      provider: user.exec || user['auth-provider'] ? { file, context: name } : undefined,
    }),
  }
}

function named<T extends { readonly name?: string }>(
  list: readonly T[] | undefined,
  name: string,
  where: { readonly source: string; readonly what: string },
): T {
  const found = list?.find((entry) => entry.name === name)
  if (found !== undefined) return found
  const problem = name === '' ? `no current context is set` : `there is no ${where.what} named "${name}"`
  throw new FairwayError(KUBE_CONFIG_INVALID, `In the kubeconfig ${where.source}, ${problem}.`, { field: where.what })
}

function serverOf(server: string | undefined, source: string): string {
  const url = URL.parse(server ?? '')
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '')
  const message = `In the kubeconfig ${source}, "${server ?? ''}" is not the address of an API server.`
  throw new FairwayError(KUBE_CONFIG_INVALID, message, { field: 'cluster.server', fix: 'Write it as https://HOST:PORT.' })
}

/** Inline data wins over a file, as in client-go. */
function pemOf(data: string | undefined, path: string | undefined): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString()
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new FairwayError(KUBE_CONFIG_UNREADABLE, `The file ${path}, which the kubeconfig names, cannot be read.`, { cause })
  }
}
