/** Says what becomes of a request by entries of a gateway, as src/model/l7.ts promises it: slow, and without any proxy. */
import type { Condition, HostPattern, L7Entry, L7Rule, PathPattern } from '../../src/model/l7.ts'

export interface L7Request {
  readonly listener: string
  /** As the client sends it; '' for none. */
  readonly host: string
  readonly path: string
  readonly method?: string
  /** By name, in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: Readonly<Record<string, string>>
}

/** The rule that is used; undefined: none matches, which is 404. */
export function matching(entries: Iterable<L7Entry>, request: L7Request): L7Rule | undefined {
  const { listener, host, path, method } = request
  const name = host
    .toLowerCase()
    .replace(/:[0-9]+$/, '')
    .replace(/\.$/, '')
  const rules = [...entries].filter((entry) => entry.kind === 'rule')
  return rules
    .filter((rule) => rule.listeners.includes(listener) && hostHolds(rule.host, name) && pathHolds(rule.path, path))
    .filter((rule) => (rule.method === '' || rule.method === method) && rule.conditions.every((one) => holds(one, request)))
    .sort((one, other) => compare(placeOf(one), placeOf(other)) || compareExpressions(one, other) || one.rank - other.rank)[0]
}

/** The addresses of the servers that a request may go to, sorted; empty: it is answered without any. */
export function serversOf(entries: ReadonlyMap<string, L7Entry>, rule: L7Rule | undefined): readonly string[] {
  if (rule?.action.kind !== 'forward') return []
  return rule.action.backends
    .flatMap(({ backend, weight }) => {
      const found = weight > 0 ? entries.get(backend) : undefined
      return found?.kind === 'backend' ? found.servers.map(({ address, port }) => `${address}:${port}`) : []
    })
    .toSorted()
}

function hostHolds(host: HostPattern, name: string): boolean {
  if (host.kind === 'any') return true
  if (host.kind === 'exact') return name === host.name
  if (!name.endsWith(`.${host.name}`)) return false
  const rest = name.slice(0, -host.name.length - 1)
  return rest !== '' && (host.labels === 'any' || !rest.includes('.'))
}

function pathHolds(path: PathPattern, asked: string): boolean {
  if (path.kind === 'exact') return asked === path.path
  if (path.kind === 'prefix') return asked === path.path || asked.startsWith(`${path.path}/`)
  return new RegExp(path.expression, path.ignoresCase ? 'i' : '').test(asked)
}

/** Smaller goes first, number by number. */
function placeOf({ host, path }: L7Rule): readonly number[] {
  const hostPlace = host.kind === 'exact' ? -1_000 : host.kind === 'wildcard' ? -host.name.split('.').length : 0
  const pathPlace =
    path.kind === 'exact' ? [0, 0] : path.kind === 'prefix' ? [1, -path.path.length] : [2, -path.expression.length]
  return [hostPlace, ...pathPlace]
}

/** The greater goes first. */
function compareExpressions({ path: one }: L7Rule, { path: other }: L7Rule): number {
  if (one.kind !== 'regex' || other.kind !== 'regex' || one.expression === other.expression) return 0
  return one.expression > other.expression ? -1 : 1
}

function holds({ of, name, is, value }: Condition, { headers, cookies, path }: L7Request): boolean {
  const query = Object.fromEntries(new URLSearchParams(path.split('?')[1] ?? ''))
  const said = { header: headers, cookie: cookies, query }[of]?.[name]
  return said !== undefined && (is === 'exact' ? said === value : new RegExp(value).test(said))
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [at, number] of one.entries()) if (number !== other[at]) return number - (other[at] ?? 0)
  return 0
}
