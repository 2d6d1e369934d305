/** Where the kubelet of a pod is, and which of its containers is meant: what all requests that go to a kubelet share. */
import type { Node, Pod } from '../../kube/types.ts'
import { badRequest, internal } from './status.ts'
import type { Writer } from './writer.ts'

/** The credentials that kubelets know the API server by, PEM. */
export interface KubeletClient {
  readonly cert: string
  readonly key: string
  readonly ca: string
  /** The kubelets' port; 10250 unless a node says otherwise. */
  readonly port: number
}

/** How to reach one kubelet: what `https.request` takes, and the URL that messages name. */
export interface KubeletAddress {
  readonly host: string
  readonly port: number
  readonly cert: string
  readonly key: string
  readonly ca: string
  /** `https://HOST:PORT`. */
  readonly origin: string
}

/** The container asked for, or the only one. @throws {ApiError} 400 in a real server's words */
export function containerOf(pod: Pod, asked: string | null): string {
  const names = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map((container) => container.name)
  const main = (pod.spec?.containers ?? []).map((container) => container.name)
  const { name } = pod.metadata
  if (asked === null || asked === '') {
    const [only] = main
    if (main.length === 1 && only !== undefined) return only
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]`)
  }
  if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`)
  return asked
}

/** @throws {ApiError} 500 when the node is not known or no credentials are configured */
export function kubeletOf(writer: Writer, nodeName: string, kubelet: KubeletClient | undefined): KubeletAddress {
  if (kubelet === undefined)
    throw internal('no client certificate for kubelets is configured: set --kubelet-client-cert and --kubelet-client-key')
  const node = writer.store.get('nodes', `/${nodeName}`)?.object as unknown as Node | undefined
  const address = node?.status?.addresses?.find((candidate) => candidate.type === 'InternalIP')?.address
  if (address === undefined) throw internal(`no preferred addresses found; known addresses: [] (node ${nodeName})`)
  const host = address.includes(':') ? `[${address}]` : address
  const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port || kubelet.port
  return { ...kubelet, host: address, port, origin: `https://${host}:${port}` }
}

/** In the words of Go's dialer, where they are known. */
export function dialError(error: NodeJS.ErrnoException, address: { readonly host: string; readonly port: number }): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  }
  const reason = reasons[error.code ?? '']
  return reason === undefined ? error.message : `dial tcp ${address.host}:${address.port}: ${reason}`
}
