/** The names of Ingresses in the file that the lab's hosts look names up in: what a DNS server, told by external-dns, is elsewhere. */
import type { Ingress } from '../../kube/types.ts'

const MARK = '# Ingresses'

/**
 * The file with the names of these Ingresses, each with all addresses of its status; what stands before them stays.
 *
 * Shape: a line for an address and a name, sorted. A wildcard has no line: such a file knows none. Names that stand before are not given anew.
 */
export function hostsText(before: string, ingresses: Iterable<Ingress>): string {
  const own = before.split(`${MARK}\n`)[0] ?? ''
  const known = new Set(own.split(/\s+/))
  const lines = [...ingresses].flatMap((ingress) => linesOf(ingress).filter(([, name]) => !known.has(name)))
  const texts = new Set(lines.map((line) => line.join(' ')))
  return texts.size === 0 ? own : `${own}${MARK}\n${[...texts].toSorted().join('\n')}\n`
}

function linesOf({ spec, status }: Ingress): readonly (readonly [string, string])[] {
  const { rules = [] } = (spec ?? {}) as { readonly rules?: readonly { readonly host?: string }[] }
  const names = rules.flatMap(({ host = '' }) => (host === '' || host.startsWith('*') ? [] : host.toLowerCase()))
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
  return names.flatMap((name) => addresses.map((address) => [address, name] as const))
}
