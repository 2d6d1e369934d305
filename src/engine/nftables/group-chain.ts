/**
 * The chains that a group's verdict leads to: one for each form that a group can have, none for a group of its own. They are made
 * when the first group of that form comes.
 *
 * Form by name: `refuse`, `discard`; `spread_N` draws one of N backends; `sticky_T_N` keeps a client at its backend for T seconds
 * after its last new flow; `ranged_FORM` is for clients of the group's source ranges only.
 */
import type { BackendGroup } from '../../model/datapath.ts'
import type { Expression, RuleObject, Statement } from './json.ts'
import { clientOf, DNAT_TRANSPORTS, go, INDEX_BASE, lookup, MARK, PRIORITY, set, TABLE, type Words } from './words.ts'

/** What of a group decides its chain. */
export interface GroupForm {
  readonly size: number
  readonly whenEmpty: BackendGroup['whenEmpty']
  readonly affinityInSeconds: number
  readonly ranged: boolean
}

export function groupChain({ size, whenEmpty, affinityInSeconds, ranged }: GroupForm): string {
  const inner = size === 0 ? EMPTY[whenEmpty] : affinityInSeconds > 0 ? `sticky_${affinityInSeconds}_${size}` : `spread_${size}`
  return ranged ? `ranged_${inner}` : inner
}

const EMPTY = { refuse: 'refuse', drop: 'discard' } as const
const NAME = /^(ranged_)?(?:(refuse|discard)|spread_([1-9]\d*)|sticky_([1-9]\d*)_([1-9]\d*))$/

/** The form that a chain is for; undefined for a name that is none. */
export function formOf(name: string): GroupForm | undefined {
  const found = NAME.exec(name)
  if (found === null) return undefined
  const [, ranged, empty, spread, seconds, sticky] = found
  return {
    size: Number(spread ?? sticky ?? 0),
    whenEmpty: empty === 'discard' ? 'drop' : 'refuse',
    affinityInSeconds: Number(seconds ?? 0),
    ranged: ranged !== undefined,
  }
}

/** The chains that a form needs beside the fixed ones, those that others lead to first. */
export function neededChains(form: GroupForm): readonly string[] {
  const inner = groupChain({ ...form, ranged: false })
  return [...(form.size > 0 ? [inner] : []), ...(form.ranged ? [groupChain(form)] : [])]
}

/** The rules of one of those chains. */
export function groupChainRules(words: Words, name: string): readonly RuleObject[] {
  const form = formOf(name)
  if (form === undefined) throw new Error(`${name} is not the chain of a group`)
  return rulesOf(words, form).map((expr) => ({ family: words.nft, table: TABLE, chain: name, expr }))
}

function rulesOf(words: Words, form: GroupForm): readonly (readonly Statement[])[] {
  if (form.ranged) {
    const within: Statement = { match: { op: '==', left: { concat: [PRIORITY, words.saddr] }, right: '@source_range' } }
    return [[within, go(groupChain({ ...form, ranged: false }))], [{ drop: null }]]
  }
  const draw = set(MARK, { numgen: { mode: 'random', mod: form.size, offset: INDEX_BASE } })
  const to: Statement = { dnat: { family: words.nft, addr: lookup([PRIORITY, MARK], '@backend') } }
  if (form.affinityInSeconds === 0) return [[draw, DNAT_TRANSPORTS, to]]
  const client = clientOf(words)
  // a name of the endpoint, not its index: an index outlives its endpoint. Who has left is not found, and the rule ends there.
  const named = set(MARK, lookup([PRIORITY, MARK], '@endpoint'))
  const memory = { elem: { concat: [client.expression, PRIORITY] }, data: MARK, map: '@affinity' }
  const keep: Statement = { map: { op: 'update', ...memory, timeoutInSeconds: form.affinityInSeconds } }
  // the kernel's update renews the time alone: one who is told another endpoint has to be forgotten first
  const forget: Statement = { map: { op: 'delete', ...memory } }
  const remembered = client.staged ? [set(MARK, client.expression), recall(MARK)] : [recall(client.expression)]
  return [
    [...remembered, named, keep, DNAT_TRANSPORTS, to],
    [draw, named, forget, keep, DNAT_TRANSPORTS, to],
    [draw, DNAT_TRANSPORTS, to], // the memory is full: clients are served without
  ]
}

function recall(client: Expression): Statement {
  return set(MARK, lookup([client, PRIORITY], '@affinity'))
}
