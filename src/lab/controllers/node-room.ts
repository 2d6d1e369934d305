/** Whether a node has room for what a pod asks for. Source: kube-scheduler, plugins/noderesources/fit.go; component-helpers/resource. */
import type { Container, Node, Pod } from '../../kube/types.ts'
import type { Refusal } from './cluster.ts'

type Amounts = Readonly<Record<string, string>>

interface Asking extends Container {
  readonly resources?: { readonly requests?: Amounts }
}

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  ...{ k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
}
/** The lab has no limit of it to hold anybody to. */
const UNCOUNTED = 'ephemeral-storage'

/** `500m`, `64Mi`, `1e3` as a number; 0 for what is no quantity. */
export function quantity(text: string): number {
  const [, digits = '', suffix = ''] = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(text) ?? []
  return (Number(digits) || 0) * (SUFFIXES[suffix] ?? 0)
}

/** What a pod asks for: its containers together, or one of those before them where that asks for more. */
export function requestsOf(pod: Pod): ReadonlyMap<string, number> {
  const { containers = [], initContainers = [] } = pod.spec ?? {}
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const total = new Map<string, number>()
  for (const container of [...containers, ...sidecars])
    for (const [name, amount] of amountsOf(container)) total.set(name, (total.get(name) ?? 0) + amount)
  for (const container of initContainers.filter((each) => !sidecars.includes(each)))
    for (const [name, amount] of amountsOf(container)) total.set(name, Math.max(total.get(name) ?? 0, amount))
  return total
}

function amountsOf(container: Asking): readonly (readonly [string, number])[] {
  return Object.entries(container.resources?.requests ?? {}).map(([name, text]) => [name, quantity(text)])
}

/** What a node lacks for a pod beside those that are on it, a reason each. */
export function lacking(pod: Pod, node: Node, others: readonly Pod[]): readonly Refusal[] {
  const allocatable = node.status?.allocatable
  if (allocatable === undefined) return []
  const refusals: Refusal[] = []
  if (allocatable.pods !== undefined && others.length + 1 > quantity(allocatable.pods))
    refusals.push({ reason: 'Too many pods', curable: quantity(allocatable.pods) > 0 })
  const used = others.map(requestsOf)
  for (const [name, asked] of requestsOf(pod)) {
    if (asked === 0 || name === UNCOUNTED) continue
    const there = quantity(allocatable[name] ?? '0')
    const taken = used.reduce((sum, each) => sum + (each.get(name) ?? 0), 0)
    if (asked > there - taken) refusals.push({ reason: `Insufficient ${name}`, curable: asked <= there })
  }
  return refusals
}
