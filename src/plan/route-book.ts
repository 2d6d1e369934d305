/** The prefixes that a node announces, each once, whoever asks for it. */
import { type Announcement, type BgpRoute, routeKey } from '../model/bgp.ts'
import { familyOf } from '../model/datapath.ts'
import type { Delta } from '../model/plan.ts'

/** Asks for a prefix to be announced in a way. */
export interface RouteWish {
  readonly prefix: string
  readonly announcement: Announcement
}

/** How many wishes there are of an announcement, which is known by its text. */
interface Count {
  readonly text: string
  wishes: number
}

/** Wishes by who has them. A prefix is announced in all the ways that any wish of it asks for, and goes with the last wish. */
export class RouteBook {
  readonly entries = new Map<string, BgpRoute>()
  private readonly byOwner = new Map<string, readonly RouteWish[]>()
  /** A list, since most prefixes have one: ten thousand of them are made in a few milliseconds. */
  private readonly prefixes = new Map<string, Count[]>()
  /** One list object for all routes with the same announcements: engines know a list by its identity. */
  private readonly lists = new Map<string, readonly Announcement[]>()
  /** Announcements are few objects, and wishes many. */
  private readonly texts = new WeakMap<Announcement, string>()
  private readonly touched = new Set<string>()

  /** Replaces what an owner wishes. */
  set(owner: string, wishes: readonly RouteWish[]): void {
    if (sameWishes(wishes, this.wishesOf(owner))) return
    for (const wish of wishes) this.count(wish, 1)
    for (const wish of this.byOwner.get(owner) ?? []) this.count(wish, -1)
    if (wishes.length === 0) this.byOwner.delete(owner)
    else this.byOwner.set(owner, wishes)
  }

  /** Who wishes for anything. */
  get owners(): Iterable<string> {
    return this.byOwner.keys()
  }

  wishesOf(owner: string): readonly RouteWish[] {
    return this.byOwner.get(owner) ?? []
  }

  /** Brings `entries` up to date and says what became different since the last call. */
  takeDelta(): Delta<BgpRoute> {
    const upserts: BgpRoute[] = []
    const removals: string[] = []
    for (const prefix of this.touched) {
      const key = routeKey(prefix)
      const known = this.prefixes.get(prefix)
      const before = this.entries.get(key)
      if (known === undefined) {
        if (before !== undefined) removals.push(key)
        this.entries.delete(key)
        continue
      }
      const announcements = this.listOf(known)
      if (before?.announcements === announcements) continue
      const route: BgpRoute = { kind: 'route', key, family: familyOf(prefix), prefix, announcements }
      this.entries.set(key, route)
      upserts.push(route)
    }
    this.touched.clear()
    return { upserts, removals }
  }

  private count({ prefix, announcement }: RouteWish, by: 1 | -1): void {
    const text = this.textOf(announcement)
    const counts = this.prefixes.get(prefix)
    const known = counts?.find((one) => one.text === text)
    if (counts === undefined) this.prefixes.set(prefix, [{ text, wishes: by }])
    else if (known === undefined) counts.push({ text, wishes: by })
    else if (known.wishes + by !== 0) known.wishes += by
    else if (counts.length === 1) this.prefixes.delete(prefix)
    else counts.splice(counts.indexOf(known), 1)
    this.touched.add(prefix)
  }

  private textOf(announcement: Announcement): string {
    let text = this.texts.get(announcement)
    if (text === undefined) {
      text = JSON.stringify(announcement)
      this.texts.set(announcement, text)
    }
    return text
  }

  private listOf(counts: readonly Count[]): readonly Announcement[] {
    const key = counts.length === 1 ? (counts[0]?.text ?? '') : textsOf(counts).join('\n')
    let list = this.lists.get(key)
    if (list === undefined) {
      list = key.split('\n').map((text) => JSON.parse(text) as Announcement)
      this.lists.set(key, list)
    }
    return list
  }
}

function textsOf(counts: readonly Count[]): readonly string[] {
  return counts.map(({ text }) => text).sort()
}

function sameWishes(some: readonly RouteWish[], others: readonly RouteWish[]): boolean {
  if (some.length !== others.length) return false
  return some.every(({ prefix, announcement }, at) => prefix === others[at]?.prefix && announcement === others[at]?.announcement)
}
