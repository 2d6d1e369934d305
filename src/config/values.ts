/** Values of flags and variables, read from text. `field` is where the user wrote it. */
import ipaddr from 'ipaddr.js'
import { FairwayError } from '../model/code.ts'
import { USAGE_WRONG } from '../model/codes/usage.ts'

/** `CIDR,CIDR`, of either family; a bare address is a range of one, and bits behind the prefix do not count. None by default. @throws {FairwayError} USAGE_WRONG */
export function readCidrs(text: string | undefined, field: string): readonly string[] {
  const parts = (text ?? '').split(',').map((part) => part.trim())
  return parts.filter((part) => part !== '').map((part) => readCidr(part, field))
}

function readCidr(text: string, field: string): string {
  const whole = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`
  if (
    /^[0-9a-f.:]+\/\d+$/i.test(whole) &&
    (ipaddr.IPv4.isValidFourPartDecimal(whole.split('/')[0] ?? '') || whole.includes(':'))
  ) {
    try {
      const [address, length] = ipaddr.parseCIDR(whole)
      const family = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
      return `${family.networkAddressFromCIDR(whole).toString()}/${length}`
    } catch {
      // said below
    }
  }
  const fix = 'Give ranges like 192.168.0.0/16,fd00::/64, separated by commas.'
  throw new FairwayError(USAGE_WRONG, `${field} has "${text}", which is not a range of addresses.`, { field, fix })
}

/** `ADDRESS:PORT`, `[IPv6]:PORT`, `:PORT`; undefined for `none`. @throws {FairwayError} USAGE_WRONG */
export function readListen(
  text: string | undefined,
  field: string,
  byDefault: string,
): { readonly host: string; readonly port: number } | undefined {
  const given = text === undefined || text === '' ? byDefault : text
  if (given === 'none') return undefined
  const [, bracketed, plain = '', digits = ''] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]*)):(\d+)$/i.exec(given) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  const known = host === '' || (bracketed === undefined ? ipaddr.IPv4.isValidFourPartDecimal(host) : ipaddr.IPv6.isValid(host))
  if (digits !== '' && known && port > 0 && port < 65_536) return { host: host === '0.0.0.0' || host === '::' ? '' : host, port }
  const fix = 'Give an address of the node and a port, like 0.0.0.0:10256 or [::]:10256, or none.'
  throw new FairwayError(USAGE_WRONG, `${field} is "${given}", which is not ADDRESS:PORT.`, { field, fix })
}

/** The number of a descriptor above 2, if any is given: `READY\n` is written there. @throws {FairwayError} USAGE_WRONG */
export function readReadyFd(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const readyFd = Number(text)
  if (Number.isInteger(readyFd) && readyFd > 2) return readyFd
  const message = `--ready-fd is "${text}", which is not the number of an open descriptor above 2.`
  throw new FairwayError(USAGE_WRONG, message, { field: '--ready-fd' })
}

/**
 * The class of the Services that are served; '', the default: those that name none. Controller and agents of a cluster are told the same.
 * Source: Kubernetes pkg/apis/core/validation, spec.loadBalancerClass is a qualified name. @throws {FairwayError} USAGE_WRONG
 */
export function readLoadBalancerClass(text: string | undefined, field: string): string {
  const name = '[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?'
  const prefix = '[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*/'
  if (text === undefined || text === '' || new RegExp(`^(${prefix})?${name}$`).test(text)) return text ?? ''
  const fix = 'Give the loadBalancerClass of the Services that are to be served, like example.com/internal, or nothing.'
  throw new FairwayError(USAGE_WRONG, `${field} is "${text}", which no Service can have as its loadBalancerClass.`, {
    field,
    fix,
  })
}

/** A whole number from 1 to 9999. @throws {FairwayError} USAGE_WRONG */
export function readSeconds(text: string, field: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  const message = `${field} is "${text}", which is not a whole number of seconds from 1 to 9999.`
  throw new FairwayError(USAGE_WRONG, message, { field, fix: 'Give seconds, like 15.' })
}

/** The number of a port. @throws {FairwayError} USAGE_WRONG */
export function readPort(text: string, field: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port > 0 && port < 65_536) return port
  throw new FairwayError(USAGE_WRONG, `${field} is "${text}", which is not the number of a port.`, {
    field,
    fix: 'Give a number from 1 to 65535.',
  })
}

/** `NAMESPACE/NAME`; '' for none. @throws {FairwayError} USAGE_WRONG */
export function readObjectKey(text: string | undefined, field: string): string {
  const part = '[a-z0-9]([-a-z0-9.]*[a-z0-9])?'
  if (text === undefined || text === '' || new RegExp(`^${part}/${part}$`).test(text)) return text ?? ''
  throw new FairwayError(USAGE_WRONG, `${field} is "${text}", which is not NAMESPACE/NAME.`, {
    field,
    fix: 'Give a namespace and a name, like default/web.',
  })
}
