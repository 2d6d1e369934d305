/** Hosts whose TLS goes to servers as it is: the oldest that asks has the host. */
import type { Finding } from '../model/code.ts'
import type { IngressWorld } from '../model/ingress.ts'
import type { L7Entry } from '../model/l7.ts'
import type { ObjectKey } from '../model/world.ts'
import type { EntryBook } from './entry-book.ts'
import type { FindingBook } from './finding-book.ts'
import type { IngressBackends } from './ingress-backends.ts'
import { hostTaken } from './ingress-finding.ts'
import { TLS } from './ingress-rule.ts'
import type { Asked } from './ingress-served.ts'
import type { PassthroughWish } from './ingress-wish.ts'
import { SlotBook } from './slot-book.ts'

/** As users of backends. */
const USER = 'passthrough '

export interface PassthroughBooks {
  readonly book: EntryBook<L7Entry>
  readonly findings: FindingBook
  readonly backends: IngressBackends
}

export class IngressPassthroughs {
  private readonly books: PassthroughBooks
  private readonly passthroughs = new SlotBook<PassthroughWish>()

  constructor(books: PassthroughBooks) {
    this.books = books
  }

  /** The hosts where something may be different. */
  set({ key, createdAtInMs, wishes }: Asked): Iterable<string> {
    return this.passthroughs.set(key, createdAtInMs, wishes.passthroughs)
  }

  has(host: string): boolean {
    return this.passthroughs.winner(host) !== undefined
  }

  get isEmpty(): boolean {
    return [...this.passthroughs.keys].length === 0
  }

  /** The host that a user of backends is; undefined: it is none of these. */
  hostOf(user: string): string | undefined {
    return user.startsWith(USER) ? user.slice(USER.length) : undefined
  }

  /** The Services whose backends are to be planned again. */
  plan(host: string, world: IngressWorld): Iterable<ObjectKey> {
    const { book, findings, backends } = this.books
    const winner = this.passthroughs.winner(host)
    const key = `rule/passthrough ${host}`
    const found: Finding[] = []
    // bytes go through as they are
    const backend = winner && backends.find(winner, world, { findings: found, protocol: 'http' })
    for (const one of this.passthroughs.askers(host))
      if (winner !== undefined && one !== winner) found.push(hostTaken(one.key, winner.key, 'TLS', winner.wish.host))
    findings.note(key, found)
    if (winner === undefined) book.remove(key)
    else {
      const path = { kind: 'prefix', path: '' } as const
      const used = backend === undefined ? [] : [{ backend: backend.key, weight: 1 }]
      book.put({
        ...{ kind: 'rule', key, listeners: [TLS], host: winner.wish.host, path, method: '', conditions: [], rank: 0 },
        ...{ action: { kind: 'forward', backends: used }, policy: {}, subject: `ingress/${winner.key}` },
      })
    }
    return backends.use(`${USER}${host}`, [backend], winner === undefined ? [] : [winner.wish.backend.service])
  }
}
