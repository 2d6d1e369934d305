/** Ranges of addresses, as CIDR text. */
import { BlockList } from 'node:net'
import ipaddr from 'ipaddr.js'
import { familyOf } from '../model/datapath.ts'

/** A set of ranges of both families, to ask whether an address is in one of them. */
export class RangeSet {
  /** One each family: a BlockList takes IPv4 addresses for IPv6 ones (`::ffff:0:0/96`), too, so that `::/0` would hold them. */
  private readonly lists = { ipv4: new BlockList(), ipv6: new BlockList() }

  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address = '', length] = cidr.split('/')
      const family = familyOf(address)
      this.lists[family].addSubnet(address, Number(length), family)
    }
  }

  has(address: string): boolean {
    const family = familyOf(address)
    return this.lists[family].check(address, family)
  }
}

/**
 * The ranges without those that lie in another one.
 *
 * Shape: canonical CIDR text of one family in, sorted text out, each once; ranges nest or are apart, so no two overlap then.
 */
export function outermost(cidrs: readonly string[]): readonly string[] {
  const spans = cidrs.map((cidr) => ({ cidr, ...spanOf(cidr) }))
  spans.sort((one, other) => compare(one.first, other.first) || compare(other.last, one.last))
  const kept: typeof spans = []
  for (const span of spans) {
    const outer = kept.at(-1)
    if (outer === undefined || span.first > outer.last) kept.push(span)
  }
  return kept.map(({ cidr }) => cidr).sort()
}

/** The first address of the range of this length that holds an address, canonical. */
export function networkOf(address: string, length: number): string {
  const bytes = ipaddr.parse(address).toByteArray()
  const cut = bytes.map((byte, at) => byte & ~(0xff >> Math.max(0, Math.min(8, length - at * 8))))
  return ipaddr.fromByteArray(cut).toString()
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : Number(one > other)
}

/** The first and the last address of a range, as numbers. */
export function spanOf(cidr: string): { readonly first: bigint; readonly last: bigint } {
  const [address = '', length = ''] = cidr.split('/')
  const bits = familyOf(address) === 'ipv4' ? 32 : 128
  const first = numberOf(address)
  return { first, last: first + (1n << BigInt(bits - Number(length))) - 1n }
}

/** An address as a number: 32 bits or 128. */
export function numberOf(address: string): bigint {
  if (familyOf(address) === 'ipv4') return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n)
  const [head = '', tail] = address.split('::')
  const [front, back] = [wordsOf(head), wordsOf(tail ?? '')]
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0')
  return [...front, ...zeros, ...back].reduce((sum, word) => (sum << 16n) + BigInt(`0x${word}`), 0n)
}

function wordsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':')
}
