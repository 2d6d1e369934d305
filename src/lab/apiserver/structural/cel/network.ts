/** URLs, addresses and ranges. Source: apiserver pkg/cel/library (urls.go, ip.go, cidr.go). */
import { type Address, type AddressRange, formatAddress, parseAddress, parseRange } from '../../allocators/address.ts'
import { CelFailure, type CelFunction, type CelLibrary } from './functions.ts'

const GO_URL = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?$/

/** As Go's url.ParseRequestURI splits one: absolute, or a path from the root. */
class Url {
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly text: string

  constructor(text: string) {
    const match = GO_URL.exec(text)
    const [, scheme = '', authority, path = '', query = ''] = match ?? []
    const rooted =
      scheme === '' ? path.startsWith('/') && authority === undefined : authority !== undefined || path.startsWith('/')
    if (match === null || !rooted || /\p{Cc}/u.test(text) || /[\s<>"]/.test(authority ?? '') || /%(?![0-9A-Fa-f]{2})/.test(path))
      throw new CelFailure(
        `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      )
    this.scheme = scheme.toLowerCase()
    this.host = (authority ?? '').replace(/^[^@]*@/, '')
    this.path = path
    this.query = query
    this.text = text
  }

  equals(other: unknown): boolean {
    return other instanceof Url && other.text === this.text
  }

  get hostname(): string {
    return this.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')
  }

  get port(): string {
    return /:(\d*)$/.exec(this.host)?.[1] ?? ''
  }

  get queries(): Map<string, string[]> {
    const found = new Map<string, string[]>()
    for (const [name, value] of new URLSearchParams(this.query)) found.set(name, [...(found.get(name) ?? []), value])
    return found
  }
}

class Ip {
  readonly address: Address

  constructor(text: string) {
    const address = parseAddress(text)
    if (address === undefined)
      throw new CelFailure(`IP Address ${JSON.stringify(text)} parse error during conversion from string: unable to parse IP`)
    if (address.family === 'IPv6' && address.value >> 32n === 0xffffn)
      throw new CelFailure(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`)
    this.address = address
  }

  equals(other: unknown): boolean {
    return other instanceof Ip && other.address.family === this.address.family && other.address.value === this.address.value
  }

  toString(): string {
    return formatAddress(this.address)
  }

  within(...ranges: readonly string[]): boolean {
    return ranges.some((range) => new Cidr(range).contains(this))
  }
}

class Cidr {
  readonly range: AddressRange
  readonly address: Ip
  readonly length: number

  constructor(text: string) {
    const range = parseRange(text)
    if (range === undefined)
      throw new CelFailure(
        `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)})`,
      )
    this.range = range
    this.address = new Ip(text.slice(0, text.indexOf('/')))
    this.length = Number(text.slice(text.indexOf('/') + 1))
  }

  equals(other: unknown): boolean {
    return other instanceof Cidr && other.address.equals(this.address) && other.length === this.length
  }

  toString(): string {
    return `${this.address}/${this.length}`
  }

  contains(ip: Ip): boolean {
    const { family, value } = ip.address
    return family === this.range.family && value >= this.range.first && value <= this.range.last
  }

  covers(other: Cidr): boolean {
    return other.length >= this.length && this.contains(other.address)
  }

  masked(): Cidr {
    return new Cidr(`${formatAddress({ family: this.range.family, value: this.range.first })}/${this.length}`)
  }
}

class IpNamespace {}

const parses = (make: () => object): boolean => {
  try {
    make()
    return true
  } catch {
    return false
  }
}

const URLS: readonly CelFunction[] = [
  ['isURL(string): bool', (text: string) => parses(() => new Url(text))],
  ['url(string): Url', (text: string) => new Url(text)],
  ['Url.getScheme(): string', (url: Url) => url.scheme],
  ['Url.getHost(): string', (url: Url) => url.host],
  ['Url.getHostname(): string', (url: Url) => url.hostname],
  ['Url.getPort(): string', (url: Url) => url.port],
  ['Url.getEscapedPath(): string', (url: Url) => url.path],
  ['Url.getQuery(): map<string, list<string>>', (url: Url) => url.queries],
]

const IPS: readonly CelFunction[] = [
  ['isIP(string): bool', (text: string) => parses(() => new Ip(text))],
  ['ip(string): Ip', (text: string) => new Ip(text)],
  ['string(Ip): string', (ip: Ip) => ip.toString()],
  ['IpNamespace.isCanonical(string): bool', (_: IpNamespace, text: string) => new Ip(text).toString() === text],
  ['Ip.family(): int', (ip: Ip) => (ip.address.family === 'IPv4' ? 4n : 6n)],
  ['Ip.isUnspecified(): bool', (ip: Ip) => ip.address.value === 0n],
  ['Ip.isLoopback(): bool', (ip: Ip) => ip.within('127.0.0.0/8', '::1/128')],
  ['Ip.isLinkLocalMulticast(): bool', (ip: Ip) => ip.within('224.0.0.0/24', 'ff02::/16')],
  ['Ip.isLinkLocalUnicast(): bool', (ip: Ip) => ip.within('169.254.0.0/16', 'fe80::/10')],
  [
    'Ip.isGlobalUnicast(): bool',
    (ip: Ip) =>
      ip.address.value !== 0n &&
      !ip.within('255.255.255.255/32', '127.0.0.0/8', '::1/128', '224.0.0.0/4', 'ff00::/8', '169.254.0.0/16', 'fe80::/10'),
  ],
]

const CIDRS: readonly CelFunction[] = [
  ['isCIDR(string): bool', (text: string) => parses(() => new Cidr(text))],
  ['cidr(string): Cidr', (text: string) => new Cidr(text)],
  ['string(Cidr): string', (cidr: Cidr) => cidr.toString()],
  ['Cidr.containsIP(string): bool', (cidr: Cidr, text: string) => cidr.contains(new Ip(text))],
  ['Cidr.containsIP(Ip): bool', (cidr: Cidr, ip: Ip) => cidr.contains(ip)],
  ['Cidr.containsCIDR(string): bool', (cidr: Cidr, text: string) => cidr.covers(new Cidr(text))],
  ['Cidr.containsCIDR(Cidr): bool', (cidr: Cidr, other: Cidr) => cidr.covers(other)],
  ['Cidr.ip(): Ip', (cidr: Cidr) => cidr.address],
  ['Cidr.masked(): Cidr', (cidr: Cidr) => cidr.masked()],
  ['Cidr.prefixLength(): int', (cidr: Cidr) => BigInt(cidr.length)],
]

export const NETWORK: CelLibrary = {
  classes: [
    { name: 'Url', of: Url },
    { name: 'Ip', of: Ip },
    { name: 'Cidr', of: Cidr },
    { name: 'IpNamespace', of: IpNamespace, constant: { name: 'ip', value: new IpNamespace() } },
  ],
  functions: [...URLS, ...IPS, ...CIDRS],
  operators: ['Url', 'Ip', 'Cidr'].map((name) => [`${name} == ${name}`, (left: Ip, right: unknown) => left.equals(right)]),
}
