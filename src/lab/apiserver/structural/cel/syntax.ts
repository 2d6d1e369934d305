/** Looks through the syntax tree of a rule. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { formatCheck } from '../formats.ts'
import { goPattern } from '../pattern.ts'
import type { ObjectType } from './declare.ts'
import { RENAMED } from './renamed.ts'

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value

function* nodesOf(value: unknown): Generator<ASTNode> {
  if (Array.isArray(value)) for (const one of value) yield* nodesOf(one)
  else if (isNode(value)) {
    yield value
    yield* nodesOf(value.args)
  }
}

/** Whether a rule names a variable. */
export function uses(tree: ASTNode, variable: string): boolean {
  return [...nodesOf(tree)].some(({ op, args }) => op === 'id' && args === variable)
}

/** Calls of functions that Kubernetes means otherwise than the library become calls of ours. */
export function rename(tree: ASTNode): void {
  for (const { op, args } of nodesOf(tree)) {
    if (op !== 'rcall' && op !== 'call') continue
    const ours = RENAMED.find(([theirs]) => theirs === args[0])?.[1]
    if (ours !== undefined) (args as unknown as [string])[0] = ours
  }
}

interface Typed {
  readonly checkedType?: { readonly name: string }
}

/**
 * A field in `has()` that its object does not have: the library looks at such only when the rule runs. The tree must have been
 * checked.
 */
export function missingInHas(
  tree: ASTNode,
  types: ReadonlyMap<string, ObjectType>,
): { readonly field: string; readonly at: number } | undefined {
  for (const node of nodesOf(tree)) {
    if (node.op !== 'call' || node.args[0] !== 'has') continue
    const [argument] = node.args[1]
    const missing = argument === undefined ? undefined : missingIn(argument, types)
    if (missing !== undefined) return missing
  }
  return undefined
}

function missingIn(
  argument: ASTNode,
  types: ReadonlyMap<string, ObjectType>,
): { readonly field: string; readonly at: number } | undefined {
  const fields: { readonly name: string; readonly at: number }[] = []
  let node = argument
  while (node.op === '.' || node.op === '.?') {
    fields.unshift({ name: node.args[1], at: node.args[0].end })
    node = node.args[0]
  }
  let type = types.get((node as Typed).checkedType?.name ?? '')
  for (const { name, at } of fields) {
    if (type === undefined) return undefined
    const next = type.fields.get(name)
    if (next === undefined) return { field: name, at }
    type = types.get(next)
  }
  return undefined
}

/** Functions whose argument is checked before a rule runs, when it is a literal. */
const LITERALS: Readonly<Record<string, (text: string) => boolean>> = {
  re2Matches: (text) => 'regexp' in goPattern(text),
  duration: (text) => /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$/.test(text),
  timestamp: (text) => formatCheck('date-time')?.(text) === true,
}

/** A literal that its function cannot take, by the function's name. */
export function badLiteral(tree: ASTNode): { readonly name: string; readonly at: number } | undefined {
  for (const node of nodesOf(tree)) {
    if (node.op !== 'rcall' && node.op !== 'call') continue
    const [name] = node.args
    const argument = node.op === 'call' ? node.args[1][0] : node.args[2][0]
    const takes = Object.hasOwn(LITERALS, name) ? LITERALS[name] : undefined
    if (takes === undefined || argument?.op !== 'value' || typeof argument.args !== 'string' || takes(argument.args)) continue
    return { name: RENAMED.find(([, ours]) => ours === name)?.[0] ?? name, at: argument.start }
  }
  return undefined
}
