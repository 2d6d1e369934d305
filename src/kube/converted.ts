/** What becomes of an object of the API on its way into the world. */
import type { Finding } from '../model/code.ts'
import { KUBE_OBJECT_UNUSABLE } from '../model/codes/kube.ts'
import type { Protocol } from '../model/world.ts'
import { canonicalAddress, canonicalCidr } from './address.ts'
import { keyOf } from './resource.ts'
import type { KubeObject } from './types.ts'

/** `value` is absent when nothing of the object matters here; `findings` say what of it could not be used. */
export interface Converted<M> {
  readonly value?: M
  readonly findings: readonly Finding[]
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' }

/** Reads the fields of one object; what cannot be used is left out, and noted. */
export class FieldReader {
  readonly findings: Finding[] = []
  private readonly subject: string

  constructor(kind: string, object: KubeObject) {
    this.subject = `${kind.toLowerCase()}/${keyOf(object)}`
  }

  address(text: string | undefined, field: string): string | undefined {
    const address = canonicalAddress(text ?? '')
    if (address === undefined) this.unusable(field, text, 'an IP address')
    return address
  }

  addresses(texts: readonly (string | undefined)[], field: string): readonly string[] {
    return [...new Set(texts.flatMap((text, index) => this.address(text, `${field}[${index}]`) ?? []))]
  }

  cidrs(texts: readonly string[], field: string): readonly string[] {
    return texts.flatMap((text, index) => {
      const cidr = canonicalCidr(text)
      if (cidr === undefined) this.unusable(`${field}[${index}]`, text, 'an address range')
      return cidr ?? []
    })
  }

  protocol(text: string | undefined, field: string): Protocol | undefined {
    const protocol = PROTOCOLS[text ?? 'TCP']
    if (protocol === undefined) this.unusable(field, text, 'TCP, UDP or SCTP')
    return protocol
  }

  port(value: number | undefined, field: string): number | undefined {
    if (value !== undefined && Number.isInteger(value) && value > 0 && value < 65_536) return value
    this.unusable(field, value, 'a port number')
    return undefined
  }

  /** Notes that a field holds something else than it must. */
  unusable(field: string, value: unknown, wanted: string): void {
    const message = `${this.subject}: ${field} is ${JSON.stringify(value ?? null)}, which is not ${wanted}; it is not used.`
    this.findings.push({ code: KUBE_OBJECT_UNUSABLE, subjects: [this.subject], message, fix: `Correct ${field}.` })
  }
}
