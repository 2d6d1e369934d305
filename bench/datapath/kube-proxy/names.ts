/** Names of kube-proxy's chains and sets. Source: kubernetes pkg/proxy/iptables/proxier.go, pkg/proxy/nftables/proxier.go. */
import { createHash } from 'node:crypto'
import type { Backend, ProxyPort } from './ports.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The first `length` letters of the base32 (RFC 4648) of the SHA-256 of `text`. */
export function shortHash(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest()
  let letters = ''
  let bits = 0
  let value = 0
  for (const byte of digest) {
    value = ((value << 8) | byte) & 0xffff
    bits += 8
    while (bits >= 5 && letters.length < length) {
      bits -= 5
      letters += ALPHABET[(value >> bits) & 31]
    }
    if (letters.length === length) break
  }
  return letters
}

/** `10.0.0.1:80`, `[fd00::1]:80` */
export function addressPort(backend: Backend): string {
  return backend.address.includes(':') ? `[${backend.address}]:${backend.port}` : `${backend.address}:${backend.port}`
}

/** iptables mode: KUBE-SVC-, KUBE-SVL-, KUBE-EXT-, KUBE-FW-. */
export function portChain(prefix: 'SVC' | 'SVL' | 'EXT' | 'FW', port: ProxyPort): string {
  return `KUBE-${prefix}-${shortHash(port.name + port.protocol, 16)}`
}

/** iptables mode: KUBE-SEP-. */
export function endpointChain(port: ProxyPort, backend: Backend): string {
  return `KUBE-SEP-${shortHash(port.name + port.protocol + addressPort(backend), 16)}`
}

/** nftables mode: `HASH-namespace/name/protocol/port`, which follows `service-`, `local-`, `external-`, `firewall-`. */
export function portBase(port: ProxyPort): string {
  const name = `${port.service.key}/${port.protocol}/${port.portName}`
  return `${shortHash(name, 8)}-${name}`
}

/** nftables mode: follows `endpoint-` and `affinity-`. */
export function endpointBase(port: ProxyPort, backend: Backend): string {
  const name = `${port.service.key}/${port.protocol}/${port.portName}__${backend.address.replaceAll(':', '.')}/${backend.port}`
  return `${shortHash(name, 8)}-${name}`
}
