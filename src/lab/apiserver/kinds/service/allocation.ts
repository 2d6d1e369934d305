import { formatAddress, type IPFamily, parseAddress } from '../../allocators/address.ts'
import type { NodePorts } from '../../allocators/node-ports.ts'
import type { ServiceAddresses } from '../../allocators/service-addresses.ts'
import type { Allocation, FieldError, RawObject } from '../../kind.ts'
import { invalid, unset } from '../check.ts'
import { settleFamilies } from './families.ts'
import {
  isHeadless,
  mayHaveNodePort,
  needsClusterIP,
  needsHealthCheck,
  needsNodePort,
  type ServiceSpec,
  specOf,
} from './types.ts'
import { clusterIPErrors, clusterIPUpdateErrors } from './validate-cluster-ips.ts'

/** What a Service holds of the cluster: addresses by their text, node ports by number. */
interface Holdings {
  readonly addresses: ReadonlySet<string>
  readonly ports: ReadonlySet<number>
  readonly healthCheck?: number | undefined
}

/** Dry runs answer ports above the range that nobody gets (as the real server does, which starts there). */
const FIRST_DRY_PORT = 32_769

/** One allocate call: what it claimed (to give back when it fails or was a dry run) and why it failed. */
class Attempt {
  readonly errors: FieldError[] = []
  readonly addresses: string[] = []
  readonly ports: number[] = []
  readonly held: Holdings
  readonly dryRun: boolean

  constructor(held: Holdings, dryRun: boolean) {
    this.held = held
    this.dryRun = dryRun
  }
}

/**
 * Gives Services their cluster addresses and node ports.
 *
 * What a Service holds follows from the object alone, so that nothing leaks: `release` compares two objects, and a failed
 * write is undone by releasing what was attempted against what is stored.
 * Source: kubernetes pkg/registry/core/service/storage/alloc.go.
 */
export class ServiceAllocation implements Allocation {
  private readonly addresses: ServiceAddresses
  private readonly ports: NodePorts

  constructor(addresses: ServiceAddresses, ports: NodePorts) {
    this.addresses = addresses
    this.ports = ports
  }

  allocate(object: RawObject, old: RawObject | undefined, dryRun: boolean): readonly FieldError[] {
    const spec = specOf(object)
    const before = old === undefined ? undefined : specOf(old)
    const malformed = [...(before === undefined ? [] : clusterIPUpdateErrors(spec, before)), ...clusterIPErrors(spec)]
    if (malformed.length > 0) return malformed // called before validation, so that its words come first
    const unmet = settleFamilies(spec, before, this.addresses.families)
    if (unmet.length > 0) return unmet
    const attempt = new Attempt(holdingsOf(before), dryRun)
    this.allocateAddresses(spec, attempt)
    if (attempt.errors.length === 0 && mayHaveNodePort(spec)) this.allocateNodePorts(spec, attempt, before === undefined)
    if (attempt.errors.length === 0 && needsHealthCheck(spec)) this.allocateHealthCheck(spec, attempt)
    if (dryRun || attempt.errors.length > 0) this.giveBack(attempt.addresses, attempt.ports)
    return attempt.errors
  }

  release(old: RawObject, kept: RawObject | undefined): void {
    const held = holdingsOf(specOf(old))
    const stays = holdingsOf(kept === undefined ? undefined : specOf(kept))
    this.giveBack(
      [...held.addresses].filter((text) => !stays.addresses.has(text)),
      [...held.ports].filter((port) => !stays.ports.has(port)),
    )
  }

  restore(object: RawObject): void {
    const { addresses, ports } = holdingsOf(specOf(object))
    for (const text of addresses) {
      const address = parseAddress(text)
      if (address !== undefined) this.addresses.restore(address)
    }
    for (const port of ports) this.ports.claim(port)
  }

  private giveBack(addresses: Iterable<string>, ports: Iterable<number>): void {
    for (const text of addresses) {
      const address = parseAddress(text)
      if (address !== undefined) this.addresses.release(address)
    }
    for (const port of ports) this.ports.release(port)
  }

  private allocateAddresses(spec: ServiceSpec, attempt: Attempt): void {
    if (!needsClusterIP(spec) || isHeadless(spec)) return
    const wanted = spec.clusterIPs ?? []
    const given = (spec.ipFamilies ?? []).map((family, index) =>
      this.giveAddress(spec, family as IPFamily, wanted[index] ?? '', attempt),
    )
    if (attempt.errors.length > 0) return
    spec.clusterIPs = given
    spec.clusterIP = given[0] ?? ''
  }

  private giveAddress(spec: ServiceSpec, family: IPFamily, wanted: string, attempt: Attempt): string {
    const address = wanted === '' ? this.addresses.claimAny(family, attempt.dryRun) : parseAddress(wanted)
    if (address === undefined) {
      const detail = `failed to allocate a serviceIP: range is full`
      attempt.errors.push({ type: 'Internal', field: 'spec.clusterIPs', detail })
      return ''
    }
    const text = formatAddress(address)
    if (attempt.held.addresses.has(text)) return wanted
    const refused = wanted === '' ? undefined : this.addresses.claim(address)
    if (refused !== undefined)
      attempt.errors.push(invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${wanted}: ${refused}`))
    else if (wanted !== '' || !attempt.dryRun) attempt.addresses.push(text)
    return wanted === '' ? text : wanted
  }

  /** At creation, ports of one number share a node port (TCP and UDP of DNS); the ones that the user chose count first. */
  private allocateNodePorts(spec: ServiceSpec, attempt: Attempt, shares: boolean): void {
    const ports = spec.ports ?? []
    const byNumber = new Map(
      shares ? ports.filter((port) => !unset(port.nodePort)).map((port) => [port.port, port.nodePort ?? 0]) : [],
    )
    for (const [index, port] of ports.entries()) {
      if (!unset(port.nodePort)) this.claimPort(`spec.ports[${index}].nodePort`, port.nodePort ?? 0, attempt)
    }
    for (const port of ports) {
      if (!unset(port.nodePort) || !needsNodePort(spec) || attempt.errors.length > 0) continue
      const chosen = byNumber.get(port.port) ?? this.anyPort('spec.ports', attempt)
      if (chosen === undefined) return
      port.nodePort = chosen
      if (shares) byNumber.set(port.port, chosen)
    }
  }

  private allocateHealthCheck(spec: ServiceSpec, attempt: Attempt): void {
    if (!unset(spec.healthCheckNodePort)) {
      this.claimHealthCheck(spec.healthCheckNodePort ?? 0, attempt)
      return
    }
    const chosen = this.anyPort('spec.healthCheckNodePort', attempt, 'HealthCheck NodePort 0')
    if (chosen !== undefined) spec.healthCheckNodePort = chosen
  }

  /** Refused as an error of the server's own, as a real one does. It shares its number with no port of the Service. */
  private claimHealthCheck(port: number, attempt: Attempt): void {
    if (attempt.held.healthCheck === port) return
    const refused = attempt.ports.includes(port) ? 'provided port is already allocated' : this.ports.claim(port)
    const detail = `failed to allocate requested HealthCheck NodePort ${port}: ${refused}`
    if (refused === undefined) attempt.ports.push(port)
    else attempt.errors.push({ type: 'Internal', field: 'spec.healthCheckNodePort', detail })
  }

  private claimPort(field: string, port: number, attempt: Attempt): void {
    if (attempt.held.ports.has(port) || attempt.ports.includes(port)) return
    const refused = this.ports.claim(port)
    if (refused === undefined) attempt.ports.push(port)
    else attempt.errors.push(invalid(field, port, refused))
  }

  private anyPort(field: string, attempt: Attempt, what = 'nodePort'): number | undefined {
    if (attempt.dryRun) {
      const port = FIRST_DRY_PORT + attempt.ports.length
      attempt.ports.push(port)
      return port
    }
    const port = this.ports.claimAny()
    if (port === undefined)
      attempt.errors.push({ type: 'Internal', field, detail: `failed to allocate a ${what}: range is full` })
    else attempt.ports.push(port)
    return port
  }
}

function holdingsOf(spec: ServiceSpec | undefined): Holdings {
  if (spec === undefined) return { addresses: new Set(), ports: new Set() }
  const texts = needsClusterIP(spec) ? (spec.clusterIPs ?? []) : []
  const addresses = texts.flatMap((text) => {
    const address = parseAddress(text)
    return address === undefined ? [] : [formatAddress(address)]
  })
  const ports = mayHaveNodePort(spec) ? (spec.ports ?? []).flatMap((port) => port.nodePort || []) : []
  return {
    addresses: new Set(addresses),
    healthCheck: needsHealthCheck(spec) ? spec.healthCheckNodePort : undefined,
    ports: new Set(needsHealthCheck(spec) ? [...ports, ...(spec.healthCheckNodePort ? [spec.healthCheckNodePort] : [])] : ports),
  }
}
