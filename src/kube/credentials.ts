/** Who we are to the API server. */
import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { FairwayError } from '../model/code.ts'
import { KUBE_CONFIG_UNREADABLE, KUBE_CREDENTIALS_FAILED } from '../model/codes/kube.ts'
import type { KubeConfigFile } from './config-file.ts'

/** What one request carries: a certificate, headers, or both. */
export interface Credentials {
  readonly cert?: string
  readonly key?: string
  readonly headers: Readonly<Record<string, string>>
}

export interface CredentialSource {
  readonly cert?: string
  readonly key?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly username?: string
  readonly password?: string
  readonly impersonate?: string
  /** Set when a program or provider must be asked. */
  readonly provider?: { readonly file: KubeConfigFile; readonly context: string }
}

/** As client-go: a token file is read again after at most a minute. */
const TOKEN_FILE_TTL_IN_MS = 60_000

/** A function that gives the credentials of the moment. It throws FairwayError when they cannot be had. */
export function credentialsOf(source: CredentialSource): () => Promise<Credentials> {
  const { cert, key, provider, tokenFile } = source
  const impersonation: Record<string, string> = source.impersonate ? { 'impersonate-user': source.impersonate } : {}
  if (provider !== undefined) return fromProvider(provider, impersonation)
  if (tokenFile && !source.token) return fromTokenFile(tokenFile, { cert, key, headers: impersonation })
  const fixed: Credentials = { cert, key, headers: { ...authorization(source), ...impersonation } }
  return () => Promise.resolve(fixed)
}

function authorization(source: CredentialSource): Record<string, string> {
  if (source.token) return { authorization: `Bearer ${source.token}` }
  if (!source.username) return {}
  return { authorization: `Basic ${Buffer.from(`${source.username}:${source.password ?? ''}`).toString('base64')}` }
}

function fromTokenFile(path: string, rest: Credentials): () => Promise<Credentials> {
  let read: { readonly value: Credentials; readonly atInMs: number } | undefined
  return async () => {
    if (read !== undefined && Date.now() - read.atInMs < TOKEN_FILE_TTL_IN_MS) return read.value
    try {
      const token = (await readFile(path, 'utf8')).trim()
      read = { value: { ...rest, headers: { ...rest.headers, authorization: `Bearer ${token}` } }, atInMs: Date.now() }
    } catch (cause) {
      // a token that was good a minute ago most often still is: the server will say if not
      if (read === undefined) throw new FairwayError(KUBE_CONFIG_UNREADABLE, `The token file ${path} cannot be read.`, { cause })
    }
    return read.value
  }
}

function fromProvider(
  provider: NonNullable<CredentialSource['provider']>,
  headers: Record<string, string>,
): () => Promise<Credentials> {
  let config: Promise<import('@kubernetes/client-node').KubeConfig> | undefined
  return async () => {
    try {
      config ??= loadProvider(provider)
      const options: RequestOptions = {}
      await (await config).applyToHTTPSOptions(options)
      const text = (pem: unknown) => (pem === undefined ? undefined : String(pem))
      const given = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
      return { cert: text(options.cert), key: text(options.key), headers: { ...Object.fromEntries(given), ...headers } }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new FairwayError(KUBE_CREDENTIALS_FAILED, `The kubeconfig's credential provider failed: ${reason}`, { cause })
    }
  }
}

async function loadProvider({ file, context }: NonNullable<CredentialSource['provider']>) {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromString(JSON.stringify(file))
  config.setCurrentContext(context)
  return config
}
