/** Compares what HAProxy reads, by the lexer of tests, with what entries mean. */
import { isIP } from 'node:net'
import { expect } from 'vitest'
import type { L7Entry, L7Rule } from '../../src/model/l7.ts'
import { statements } from './haproxy-lexer.ts'
import { CANARY } from './hostile-text.ts'
import { caseTail, lookupOf, sectionWords } from './l7-words.ts'

type Statement = readonly string[]

export interface Written {
  /** All that `-f` would read, in its order. */
  readonly config: string
  /** The lines of maps, by listener and which: `http exact`. */
  readonly maps: ReadonlyMap<string, readonly (readonly [key: string, section: string])[]>
  /** Keys of rules that were left out, with a finding. */
  readonly left: ReadonlySet<string>
}

export interface Sections {
  /** By kind and name: `backend b00001`. */
  readonly byName: ReadonlyMap<string, readonly Statement[]>
  readonly all: readonly Statement[]
}

const HEADS = new Set(['global', 'defaults', 'frontend', 'backend', 'userlist', 'resolvers', 'listen'])
/** What a statement may begin with: none of another meaning is made of a user's text. */
const VERBS =
  /^(\.if|\.endif|accepted_payload_size|acl|balance|bind|cookie|default_backend|dynamic-cookie-key|filter|global|hard-stop-after|hash-type|hold|http-(request|response|after-response)|http-error|load-server-state-from-file|log|log-format|lua-load-per-thread|mode|nameserver|no|option|parse-resolv-conf|resolve_retries|retries|retry-on|server|server-state-file|set-var|stats|stick-table|tcp-request|timeout|tune\.\S+|unique-id-format|use_backend|user)$/

export function sectionsOf(config: string): Sections {
  const byName = new Map<string, Statement[]>()
  const all = statements(config)
  let current: Statement[] = []
  for (const statement of all) {
    const [head = '', name = ''] = statement
    if (HEADS.has(head)) {
      current = []
      byName.set(`${head} ${name}`.trim(), current)
    } else current.push(statement)
  }
  return { byName, all }
}

interface Read {
  readonly sections: Sections
  readonly maps: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** What was compared, so that a test can say that it was not nothing. */
export interface Compared {
  rules: number
  cases: number
  words: number
}

const GONE = 'be_unavailable'

/** Every rule is where it is meant to be, with the words and servers that it is meant to have; nothing of a user is anywhere else. */
export function expectMeant(entries: ReadonlyMap<string, L7Entry>, written: Written): Compared {
  const sections = sectionsOf(written.config)
  const rules = [...entries.values()].filter((entry) => entry.kind === 'rule')
  expectNoStranger(rules, sections)
  const compared = { rules: 0, cases: 0, words: 0 }
  const living = rules.filter(({ key }) => !written.left.has(key))
  expectKeys(rules, written)
  const read: Read = { sections, maps: new Map([...written.maps].map(([name, lines]) => [name, new Map(lines)])) }
  for (const rule of living)
    for (const listener of rule.listeners) {
      const section = sectionOf(rule, read, listener)
      compared.rules++
      if (rule.path.kind === 'regex' || rule.conditions.length > 0) compared.cases++
      if (section === GONE) {
        expect(isAnswered(rule, entries), rule.key).toBe(false)
        continue
      }
      const found = sections.byName.get(`backend ${section}`) ?? []
      const wanted = sectionWords(rule)
      compared.words += wanted.length
      const there = new Set([...found, ...namedBy(found, sections)].flat())
      expect(
        wanted.filter((word) => !there.has(word)),
        `${rule.key}: ${JSON.stringify(found)}`,
      ).toEqual([])
      if (rule.action.kind === 'forward') expect(serversIn(found), rule.key).toEqual(serversMeant(rule, entries))
    }
  return compared
}

/** A word with the canary is a whole value of some rule's; no statement is of a kind that the gateway does not write. */
function expectNoStranger(rules: readonly L7Rule[], { all, byName }: Sections): void {
  const known = new Set(rules.flatMap((rule) => [...sectionWords(rule), ...caseTail(rule, '')]))
  const strangers = all.filter((statement) => statement.some((word) => word.includes(CANARY) && !known.has(word)))
  expect(strangers).toEqual([])
  expect(all.filter(([verb = '']) => !VERBS.test(verb) && !HEADS.has(verb))).toEqual([])
  expect(all.filter(([, ...words]) => words.includes('299'))).toEqual([])
  expect([...byName.keys()].filter((name) => name.includes(CANARY))).toEqual([])
}

/** Maps have the places of rules, each once, and no others; one that was left out may have its place still. */
function expectKeys(rules: readonly L7Rule[], { maps, left }: Written): void {
  const meant = placesOf(rules)
  const needed = placesOf(rules.filter(({ key }) => !left.has(key)))
  for (const [name, lines] of maps) {
    const keys = lines.map(([key]) => key)
    const [all, some] = [meant.get(name) ?? NOWHERE, needed.get(name) ?? NOWHERE]
    expect(keys.length).toBe(new Set(keys).size)
    expect(
      keys.filter((key) => !all.has(key)),
      name,
    ).toEqual([])
    expect(
      [...some].filter((key) => !keys.includes(key)),
      name,
    ).toEqual([])
  }
  for (const name of needed.keys()) expect([...maps.keys()]).toContain(name)
}

const NOWHERE: ReadonlySet<string> = new Set()

/** By listener and which. */
function placesOf(rules: readonly L7Rule[]): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>()
  for (const rule of rules) {
    const place = lookupOf(rule)
    for (const listener of place === undefined ? [] : rule.listeners) {
      const name = `${listener} ${place?.map}`
      all.set(name, (all.get(name) ?? new Set()).add(place?.key ?? ''))
    }
  }
  return all
}

function sectionOf(rule: L7Rule, { sections, maps }: Read, listener: string): string | undefined {
  const place = lookupOf(rule)
  const found = place && maps.get(`${listener} ${place.map}`)?.get(place.key)
  if (place !== undefined && !found?.startsWith('case_')) return found
  const tail = JSON.stringify(caseTail(rule, found))
  const line = linesOf(sections, listener).find(([, verb, , ...rest]) => verb === SELECT && JSON.stringify(rest) === tail)
  return /^str\((.*)\)$/.exec(line?.[2] ?? '')?.[1]
}

const SELECT = 'set-var(txn.backend)'

/** Of the frontend of a listener, which is known by how it is bound. */
function linesOf({ byName }: Sections, listener: string): readonly Statement[] {
  const frontends = [...byName].filter(([name]) => name.startsWith('frontend fe_')).map(([, lines]) => lines)
  const isOfListener = (lines: readonly Statement[]) => {
    const isTls = lines.some(([verb, ...words]) => verb === 'bind' && words.includes('ssl'))
    const isPassed = lines.some(([verb, mode]) => verb === 'mode' && mode === 'tcp')
    return listener === 'listener/tls' ? isPassed : isTls === (listener === 'listener/https') && !isPassed
  }
  return frontends.filter(isOfListener).flat()
}

/** Sections that others name: lists of users, and what is counted. */
function namedBy(found: readonly Statement[], { byName }: Sections): readonly Statement[] {
  const names = found.flat().flatMap((word) => /(?:users|table)_[0-9a-f]+/.exec(word)?.[0] ?? [])
  return names.flatMap((name) => [...(byName.get(`userlist ${name}`) ?? []), ...(byName.get(`backend ${name}`) ?? [])])
}

function serversIn(found: readonly Statement[]): readonly string[] {
  return [...new Set(found.flatMap(([verb, , address = '']) => (verb === 'server' ? [address] : [])))].toSorted()
}

/** What is neither an address nor a name that can be looked up is no server. */
function serversMeant({ action }: L7Rule, entries: ReadonlyMap<string, L7Entry>): readonly string[] {
  const backends = action.kind === 'forward' ? action.backends.filter(({ weight }) => weight > 0) : []
  const all = backends.flatMap(({ backend }) => {
    const entry = entries.get(backend)
    return entry?.kind === 'backend' ? entry.servers.filter(({ address }) => isSayable(address)) : []
  })
  return [...new Set(all.map(({ address, port }) => `${isIP(address) === 6 ? `[${address}]` : address}:${port}`))].toSorted()
}

function isSayable(address: string): boolean {
  if (isIP(address) !== 0) return !address.includes('%')
  return address.length <= 253 && address.split('.').every((label) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(label))
}

function isAnswered({ action }: L7Rule, entries: ReadonlyMap<string, L7Entry>): boolean {
  if (action.kind !== 'forward') return true
  return action.backends.some(({ backend, weight }) => weight > 0 && entries.has(backend))
}
