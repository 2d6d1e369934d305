/** Rules that maps cannot tell: regular expressions, methods and conditions, as statements of a frontend. */
import { FairwayError } from '../../model/code.ts'
import type { Condition, L7Rule } from '../../model/l7.ts'
import { UNAVAILABLE } from './base.ts'
import { hostKey, mapText, placeOf } from './maps.ts'
import { expression, joined, literal, phrase, section, token, type Words } from './syntax.ts'
import { caseName, type Wanted } from './wanted.ts'

export interface Cases {
  /** After the look-ups of a host as it is, of its wildcard, and of every host. */
  readonly byHost: readonly (readonly Words[])[]
  /** After all look-ups: of those that gave a place which several rules have. */
  readonly last: readonly Words[]
}

export const NO_CASES: Cases = { byHost: [], last: [] }

const NOT_FOUND = phrase`!{ var(txn.backend) -m found }`
const HOST_LEVELS: readonly L7Rule['host']['kind'][] = ['exact', 'wildcard', 'any']

/**
 * Those of a listener. What cannot be written is told to `leave`, and left out, as is what HAProxy refuses. Of an expression nobody knows then what it would match: requests
 * that come to it are answered with 503, so that no rule behind it answers in its place.
 */
export function casesOf(wanted: Wanted, listener: string, leave: (rule: L7Rule, reason: string) => void): Cases {
  const rules = [...wanted.form.cases.values()].filter((rule) => rule.listeners.includes(listener))
  const write = (rule: L7Rule, line: () => Words): readonly Words[] => {
    if (wanted.refusedCases.has(rule.key)) return []
    try {
      return [line()]
    } catch (error) {
      if (!(error instanceof FairwayError)) throw error
      leave(rule, error.message)
      return []
    }
  }
  const expressions = rules.filter(({ path }) => path.kind === 'regex').sort(inOrder)
  const byHost = HOST_LEVELS.map((level) =>
    expressions
      .filter(({ host }) => host.kind === level)
      .flatMap((rule) => {
        const lines = write(rule, () => expressionLine(wanted, rule))
        return lines.length > 0 ? lines : [closingLine(rule)]
      }),
  )
  const places = new Map<string, string>()
  for (const rule of rules) {
    const place = placeOf(rule)
    if (place !== undefined) places.set(`${mapText({ listener, which: place.which })} ${place.key}`, place.key)
  }
  const last = [...places].flatMap(([text, key]) => {
    const map = text.slice(0, -key.length - 1)
    const rest = [...(wanted.form.maps.get(map)?.rules.get(key) ?? [])].flatMap((one) => wanted.form.rule(one) ?? [])
    return rest.sort(inOrder).flatMap((rule) => write(rule, () => placeLine(wanted, rule, caseName(map, key))))
  })
  return { byHost, last }
}

/** One rule in a frontend of its own, to ask HAProxy of. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function caseText(wanted: Wanted, rule: L7Rule): string {
  const line = rule.path.kind === 'regex' ? expressionLine(wanted, rule) : placeLine(wanted, rule, UNAVAILABLE)
  return section(phrase`frontend fe_case`, [phrase`bind unix@/case.sock`, line])
}

/** Longer expressions first, then the greater ones, then by rank. */
function inOrder(one: L7Rule, other: L7Rule): number {
  const [a, b] = [expressionOf(one), expressionOf(other)]
  return b.length - a.length || (a === b ? one.rank - other.rank : a > b ? -1 : 1)
}

const expressionOf = ({ path }: L7Rule): string => (path.kind === 'regex' ? path.expression : '')

function expressionLine(wanted: Wanted, rule: L7Rule): Words {
  const { host, path } = rule
  if (path.kind !== 'regex') return phrase``
  const found = expression(path.expression, path.ignoresCase)
  const matches = phrase`${hostWords(host)} { var(txn.path) -m reg -- ${found} }${conditionWords(rule)}`
  return phrase`http-request set-var(txn.backend) str(${wanted.sectionOf(rule.key)}) if ${NOT_FOUND}${matches}`
}

/** In the place of a line that cannot be. */
function closingLine({ host }: L7Rule): Words {
  return phrase`http-request set-var(txn.backend) str(${UNAVAILABLE}) if ${NOT_FOUND}${hostWords(host)}`
}

function hostWords(host: L7Rule['host']): Words {
  if (host.kind === 'any') return phrase``
  const name = literal(hostKey(host))
  return host.kind === 'exact' ? phrase` { var(txn.host) -m str -- ${name} }` : phrase` { var(txn.wildcard) -m str -- ${name} }`
}

/** Of several rules of a place the first that holds is used; when none does, the place has none. */
function placeLine(wanted: Wanted, rule: L7Rule, name: Words): Words {
  const to = wanted.sectionOf(rule.key)
  return phrase`http-request set-var(txn.backend) str(${to}) if { var(txn.backend) -m str ${name} }${conditionWords(rule)}`
}

function conditionWords({ method, conditions }: L7Rule): Words {
  const all = conditions.map(
    (one) =>
      phrase` { ${fetchOf(one)} -m ${one.is === 'exact' ? phrase`str` : phrase`reg`} -- ${one.is === 'exact' ? literal(one.value) : expression(one.value)} }`,
  )
  return joined(method === '' ? all : [phrase` { method ${token(method)} }`, ...all], '')
}

function fetchOf({ of, name }: Condition): Words {
  if (of === 'header') return phrase`req.fhdr(${token(name)})`
  return of === 'cookie' ? phrase`req.cook(${token(name)})` : phrase`url_param(${token(name)})`
}
