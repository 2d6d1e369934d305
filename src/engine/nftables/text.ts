/**
 * Writes declarations in nft's own language, for what nft 1.0's JSON cannot say (maps to pairs, dynamic maps, map updates), and
 * for people. Every value comes out of a typed one; nothing here holds a user's string.
 */
import type { ChainObject, Expression, NftFamily, RuleObject, SetObject, Statement } from './json.ts'
import { clientOf, L4, MARK, PRIORITY, WORDS } from './words.ts'

export interface Declarations {
  readonly family: NftFamily
  readonly table: string
  readonly sets: readonly SetObject[]
  readonly chains: readonly ChainObject[]
  readonly rules: readonly RuleObject[]
}

/** A whole table as `nft -f` takes it. Loading it over an older one leaves elements alone and replaces the rules of its chains. */
export function tableText({ family, table, sets, chains, rules }: Declarations): string {
  const at = `${family} ${table}`
  return [
    `add table ${at}`,
    ...sets.map((set) => `add ${set.map === undefined ? 'set' : 'map'} ${at} ${set.name} ${setText(set)}`),
    ...chains.map((chain) => `add chain ${at} ${chain.name}${hookText(chain)}`),
    ...chains.map((chain) => `flush chain ${at} ${chain.name}`),
    ...rules.map((rule) => `add rule ${at} ${rule.chain} ${ruleText(rule)}`),
    '',
  ].join('\n')
}

function setText({ type, map, flags, size, timeout }: SetObject): string {
  const data = map === undefined ? '' : ` : ${map}`
  const parts = [`type ${typeof type === 'string' ? type : type.join(' . ')}${data};`]
  if (size !== undefined) parts.push(`size ${size};`)
  if (flags !== undefined) parts.push(`flags ${flags.join(', ')};`)
  if (timeout !== undefined) parts.push(`timeout ${timeout}s;`)
  return `{ ${parts.join(' ')} }`
}

function hookText({ type, hook, prio, policy }: ChainObject): string {
  return hook === undefined ? '' : ` { type ${type} hook ${hook} priority ${prio}; policy ${policy}; }`
}

/** One rule, as `nft list` would print it but for the names of priorities. */
export function ruleText(rule: RuleObject): string {
  return rule.expr.map(statementText).join(' ')
}

export function statementText(statement: Statement): string {
  if ('match' in statement) return matchText(statement.match)
  if ('mangle' in statement) return `${expressionText(statement.mangle.key)} set ${valueText(statement.mangle.value)}`
  if ('vmap' in statement) return `${expressionText(statement.vmap.key)} vmap ${statement.vmap.data}`
  if ('dnat' in statement) return `dnat ${statement.dnat.family} to ${expressionText(statement.dnat.addr)}`
  if ('masquerade' in statement) return `masquerade ${statement.masquerade.flags}`
  if ('snat' in statement) return `snat to ${expressionText(statement.snat.addr)}`
  if ('set' in statement) return `${statement.set.op} ${statement.set.set} { ${expressionText(statement.set.elem)} }`
  if ('map' in statement) {
    const { op, elem, timeoutInSeconds, data, map } = statement.map
    const timeout = timeoutInSeconds === undefined ? '' : ` timeout ${durationText(timeoutInSeconds)}`
    return `${op} ${map} { ${expressionText(elem)}${timeout} : ${expressionText(data)} }`
  }
  if ('reject' in statement) return rejectText(statement.reject)
  if ('jump' in statement) return `jump ${statement.jump.target}`
  if ('goto' in statement) return `goto ${statement.goto.target}`
  return 'accept' in statement ? 'accept' : 'drop'
}

/** What a map statement can be made of. */
const PARTS: ReadonlyMap<string, Expression> = new Map(
  [WORDS.ipv4, WORDS.ipv6]
    .flatMap((words): readonly Expression[] => [words.saddr, clientOf(words).expression])
    .concat(
      MARK,
      PRIORITY,
      L4,
      (['proto-src', 'proto-dst'] as const).map((key) => ({ ct: { key, dir: 'original' } })),
    )
    .map((part) => [expressionText(part), part]),
)

/** Reads a map statement, which nft 1.0 lists as text even where all else is JSON; undefined when it is none of ours. */
export function readMapStatement(text: string): Extract<Statement, { map: unknown }> | undefined {
  const found = /^(update|delete) (@\w+) \{ (.+?)(?: timeout (\w+))? : (.+) \}$/.exec(text)
  if (found === null) return undefined
  const [, op = '', map = '', key = '', timeout, value = ''] = found
  const data = PARTS.get(value)
  const concat = key.split(' . ').flatMap((part) => PARTS.get(part) ?? [])
  if (data === undefined || concat.length !== key.split(' . ').length) return undefined
  const timing = timeout === undefined ? {} : { timeoutInSeconds: secondsOf(timeout) }
  return { map: { op: op === 'update' ? 'update' : 'delete', elem: { concat }, ...timing, data, map } }
}

function secondsOf(text: string): number {
  const units: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 }
  return [...text.matchAll(/(\d+)([dhms])/g)].reduce((sum, [, count, unit = 's']) => sum + Number(count) * (units[unit] ?? 0), 0)
}

/** As nft prints times: `3h`, `1d1m1s`. */
export function durationText(inSeconds: number): string {
  const parts = [
    [Math.floor(inSeconds / 86_400), 'd'],
    [Math.floor(inSeconds / 3600) % 24, 'h'],
    [Math.floor(inSeconds / 60) % 60, 'm'],
    [inSeconds % 60, 's'],
  ] as const
  const text = parts.flatMap(([count, unit]) => (count > 0 ? `${count}${unit}` : [])).join('')
  return text === '' ? '0s' : text
}

function rejectText(reject: Extract<Statement, { reject: unknown }>['reject']): string {
  return reject.type === 'tcp reset' ? 'reject with tcp reset' : `reject with ${reject.type} ${reject.expr}`
}

function matchText({ op, left, right }: Extract<Statement, { match: unknown }>['match']): string {
  const sign = op === '!=' ? '!= ' : op === '==' && '&' in left ? '== ' : ''
  const text = expressionText(left)
  if (typeof right === 'string' || typeof right === 'number') return `${text} ${sign}${right}`
  if ('set' in right) return `${text} ${sign}{ ${right.set.join(', ')} }`
  if ('prefix' in right) return `${text} ${sign}${right.prefix.addr}/${right.prefix.len}`
  return `${text} ${sign}${right.join(',')}`
}

function valueText(value: Expression | string | number): string {
  return typeof value === 'object' ? expressionText(value) : String(value)
}

export function expressionText(expression: Expression): string {
  if ('meta' in expression) return expression.meta.key === 'l4proto' ? 'meta l4proto' : `meta ${expression.meta.key}`
  if ('payload' in expression) return `${expression.payload.protocol} ${expression.payload.field}`
  if ('ct' in expression) return `ct${expression.ct.dir === undefined ? '' : ` ${expression.ct.dir}`} ${expression.ct.key}`
  if ('fib' in expression) return `fib ${expression.fib.flags.join(' . ')} ${expression.fib.result}`
  if ('numgen' in expression) {
    const { mode, mod, offset } = expression.numgen
    return `numgen ${mode} mod ${mod} offset ${offset}`
  }
  if ('jhash' in expression) {
    const { expr, mod, seed } = expression.jhash
    return `jhash ${expressionText(expr)} mod ${mod} seed 0x${seed.toString(16)}`
  }
  if ('concat' in expression) return expression.concat.map(expressionText).join(' . ')
  if ('map' in expression) return `${expressionText(expression.map.key)} map ${expression.map.data}`
  const [left, right] = expression['&']
  return `${expressionText(left)} & ${right}`
}
