/** Which certificate each host is shown, and who signs the clients of which: the oldest that asks has the host. */
import type { Finding } from '../model/code.ts'
import type { CertificateSecret, IngressWorld } from '../model/ingress.ts'
import type { L7Entry } from '../model/l7.ts'
import type { ClientCertificate } from '../model/l7-policy.ts'
import type { ObjectKey } from '../model/world.ts'
import type { EntryBook } from './entry-book.ts'
import type { FindingBook } from './finding-book.ts'
import * as finding from './ingress-finding.ts'
import { type HostState, HTTPS } from './ingress-rule.ts'
import type { Asked } from './ingress-served.ts'
import type { HostWish, IngressWishes } from './ingress-wish.ts'
import { SlotBook } from './slot-book.ts'
import { Uses } from './uses.ts'

type Secrets = IngressWorld['secrets']

export interface CertificateBooks {
  readonly book: EntryBook<L7Entry>
  readonly findings: FindingBook
  /** The Secret of the gateway's own one; '' for none. */
  readonly defaultCertificate: ObjectKey | ''
}

export class IngressCertificates {
  private readonly books: CertificateBooks
  private readonly certificates = new SlotBook<HostWish>()
  private readonly authorities = new SlotBook<IngressWishes['authorities'][number]>()
  private readonly hostsOfSecret = new Uses()

  constructor(books: CertificateBooks) {
    this.books = books
  }

  /** The hosts where something may be different. */
  set({ key, createdAtInMs, wishes }: Asked): readonly string[] {
    const ofCertificates = this.certificates.set(key, createdAtInMs, wishes.certificates)
    return [...ofCertificates, ...this.authorities.set(key, createdAtInMs, wishes.authorities)]
  }

  hostsOf(secret: ObjectKey): Iterable<string> {
    return this.hostsOfSecret.of(secret)
  }

  /** Secrets that are to be known. */
  get secrets(): readonly ObjectKey[] {
    const { defaultCertificate } = this.books
    return [...this.hostsOfSecret.used, ...(defaultCertificate === '' ? [] : [defaultCertificate])]
  }

  /** What it means to the rules of a host. */
  stateOf(host: string, secrets: Secrets): Omit<HostState, 'isPassthrough'> {
    const hasTls = this.certificates.winner(host) !== undefined
    const authority = this.authorities.winner(host)
    if (authority === undefined) return { hasTls, isRefused: false }
    const isRefused = secrets.get(authority.wish.secret)?.authority === undefined
    return { hasTls, isRefused, clientCertificate: clientCertificateOf(authority.wish) }
  }

  /** The key of the gateway's own one; undefined when there is none that can be used. */
  planDefault(secrets: Secrets): string | undefined {
    const { book, defaultCertificate } = this.books
    const secret = secrets.get(defaultCertificate)
    const key = `certificate/${defaultCertificate}`
    const isUsable = secret !== undefined && secret.problem === ''
    if (isUsable) book.put(certificateOf(secret))
    else book.remove(key)
    return isUsable ? key : undefined
  }

  plan(host: string, secrets: Secrets): void {
    const { book, findings } = this.books
    const winner = this.certificates.winner(host)
    const authority = this.authorities.winner(host)
    const before = this.hostsOfSecret.usedBy(host)
    const wanted = winner?.wish.secret
    this.hostsOfSecret.set(
      host,
      [wanted, authority?.wish.secret].flatMap((one) => one ?? []),
    )
    const secret = wanted === undefined ? undefined : secrets.get(wanted)
    const signers = authority === undefined ? undefined : secrets.get(authority.wish.secret)?.authority
    const key = `host-certificate/https/${host}`
    const isUsable = secret !== undefined && secret.problem === ''
    findings.note(key, [
      ...(winner === undefined || isUsable ? [] : [finding.unusable(winner, secret)]),
      ...(authority === undefined || signers !== undefined ? [] : [finding.noAuthority(authority)]),
      ...this.otherAuthorities(host),
    ])
    if (isUsable && winner !== undefined) {
      book.put(certificateOf(secret))
      const base = { kind: 'host-certificate', key, listener: HTTPS, host: winner.wish.host } as const
      const asked = signers === undefined ? {} : { clientAuthority: signers }
      book.put({ ...base, certificate: `certificate/${secret.key}`, ...asked })
    } else book.remove(key)
    for (const one of new Set([...before, ...(wanted === undefined ? [] : [wanted])])) this.drop(one, secrets)
  }

  /** Those that ask for other signers, or for something else of them, than what a host has. */
  private otherAuthorities(host: string): readonly Finding[] {
    const winner = this.authorities.winner(host)
    if (winner === undefined) return []
    return [...this.authorities.askers(host)]
      .filter(({ wish }) => wish.secret !== winner.wish.secret)
      .map(({ key, wish }) => finding.hostTaken(key, winner.key, 'client certificates', wish.host))
  }

  /** Unless somebody is shown it. */
  private drop(name: ObjectKey, secrets: Secrets): void {
    const { book, defaultCertificate } = this.books
    const isShown = [...this.hostsOfSecret.of(name)].some((host) => this.certificates.winner(host)?.wish.secret === name)
    const isUsed = isShown || name === defaultCertificate
    if (!isUsed || secrets.get(name)?.problem !== '') book.remove(`certificate/${name}`)
  }
}

function clientCertificateOf({ annotations }: IngressWishes['authorities'][number]): ClientCertificate {
  return {
    isRequired: annotations.authTlsVerifyClient !== 'optional',
    commonName: annotations.authTlsMatchCn ?? '',
    isPassedOn: annotations.authTlsPassCertificateToUpstream === true,
  }
}

function certificateOf({ key, chain, privateKey }: CertificateSecret): L7Entry {
  return { kind: 'certificate', key: `certificate/${key}`, chain, privateKey }
}
