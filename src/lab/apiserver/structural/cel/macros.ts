/**
 * Macros that the library does not have: with two variables (cel-go ext/comprehensions.go), and of optionals (cel-go
 * cel/library.go).
 */
import { Optional } from '@marcbachmann/cel-js'
import { CelFailure } from './functions.ts'

/** A node of the syntax tree. */
interface Node {
  readonly op: string
  readonly args: unknown
}

/** What a type is to the checker. */
interface Type {
  readonly kind: string
  readonly name: string
  readonly keyType: Type
  readonly valueType: Type
}

/** Variables in reach; a fork has one more, which is given its value each time around. */
interface Context {
  forkWithVariable(name: string, type: Type): Fork
}
interface Fork extends Context {
  reuse(parent: Context): Fork
  setIterValue(value: unknown, evaluator: Evaluator): Fork
}

interface Checker {
  check(node: Node, context: Context): Type
  getType(name: string): Type
  createError(code: string, message: string, node: Node): Error
}
interface Evaluator {
  run(node: Node, context: Context): unknown
}

/** What the library gives a macro where it is called. */
interface Call {
  readonly args: readonly Node[]
  readonly receiver: Node
}

interface Macro {
  readonly async: false
  typeCheck(checker: Checker, macro: unknown, context: Context): Type
  evaluate(evaluator: Evaluator, macro: unknown, context: Context): unknown
}

function variable(node: Node | undefined): string {
  if (node?.op !== 'id') throw new CelFailure('argument must be a simple name')
  return String(node.args)
}

/** A step around: what was gathered so far, and the values of the expressions, on demand. */
type Step = (gathered: unknown[], key: unknown, values: readonly (() => unknown)[]) => void

interface Comprehension {
  /** Whether an expression must be a bool. */
  readonly bool: boolean
  readonly step: Step
  result(gathered: readonly unknown[]): unknown
  type(checker: Checker, types: readonly Type[], key: Type): Type
}

/** Over the members of a list, with their indices, or of a map, with their keys. */
const over =
  ({ bool, step, result, type }: Comprehension) =>
  ({ args, receiver }: Call): Macro => {
    const [first, second] = [variable(args[0]), variable(args[1])]
    const expressions = args.slice(2)
    let inner: { readonly key: Fork; readonly value: Fork } | undefined
    return {
      async: false,
      typeCheck(checker, _, context) {
        const range = checker.check(receiver, context)
        const key = range.kind === 'list' ? checker.getType('int') : range.kind === 'map' ? range.keyType : checker.getType('dyn')
        const member = range.kind === 'list' || range.kind === 'map' ? range.valueType : checker.getType('dyn')
        const forked = context.forkWithVariable(first, key)
        inner = { key: forked, value: forked.forkWithVariable(second, member) }
        const types = expressions.map((node) => checker.check(node, inner?.value ?? context))
        if (bool && types[0]?.name !== 'bool' && types[0]?.kind !== 'dyn')
          throw checker.createError(
            'predicate',
            `found no matching overload: predicate must return bool, got '${types[0]?.name}'`,
            receiver,
          )
        return type(checker, types, key)
      },
      evaluate(evaluator, _, context) {
        const gathered: unknown[] = []
        for (const [key, member] of entriesOf(evaluator.run(receiver, context))) {
          if (inner === undefined) break
          const keyed = inner.key.reuse(context).setIterValue(key, evaluator)
          const here = inner.value.reuse(keyed).setIterValue(member, evaluator)
          step(
            gathered,
            key,
            expressions.map((node) => () => evaluator.run(node, here)),
          )
        }
        return result(gathered)
      },
    }
  }

function entriesOf(range: unknown): readonly (readonly [unknown, unknown])[] {
  if (range instanceof Map) return [...range]
  if (Array.isArray(range)) return range.map((member, index) => [BigInt(index), member])
  return typeof range === 'object' && range !== null ? Object.entries(range) : []
}

const boolean = (checker: Checker): Type => checker.getType('bool')

/** `all` and `exists` do not mind an error of one member when another decides. */
const gather: Step = (gathered, _, [predicate]) => {
  try {
    gathered.push(predicate?.())
  } catch (error) {
    gathered.push({ error })
  }
}

function decide(gathered: readonly unknown[], by: boolean): boolean {
  if (gathered.includes(by)) return by
  const failed = gathered.find(
    (one): one is { readonly error: unknown } => typeof one === 'object' && one !== null && 'error' in one,
  )
  if (failed !== undefined) throw failed.error
  return !by
}

/** With a filter there are two expressions, and the second makes the member. */
const made = (values: readonly (() => unknown)[]): readonly unknown[] => {
  const [filter, transform] = values.length === 2 ? values : [undefined, values[0]]
  return filter === undefined || filter() === true ? [transform?.()] : []
}

const ALL = over({ bool: true, step: gather, result: (gathered) => decide(gathered, false), type: boolean })
const EXISTS = over({ bool: true, step: gather, result: (gathered) => decide(gathered, true), type: boolean })
const EXISTS_ONE = over({
  bool: true,
  step: (gathered, _, [predicate]) => void gathered.push(predicate?.()),
  result: (gathered) => gathered.filter((one) => one === true).length === 1,
  type: boolean,
})
const TRANSFORM_LIST = over({
  bool: false,
  step: (gathered, _, values) => void gathered.push(...made(values)),
  result: (gathered) => gathered,
  type: (checker, types) => checker.getType(`list<${types.at(-1)?.name ?? 'dyn'}>`),
})
const TRANSFORM_MAP = over({
  bool: false,
  step: (gathered, key, values) => void gathered.push(...made(values).map((value) => [key, value])),
  result: (gathered) => new Map(gathered as [unknown, unknown][]),
  type: (checker, types, key) => checker.getType(`map<${key.name}, ${types.at(-1)?.name ?? 'dyn'}>`),
})

/** `optMap(x, e)`: e of what is there; `optFlatMap(x, e)`: e is an optional itself. */
const optional =
  (flat: boolean) =>
  ({ args, receiver }: Call): Macro => {
    const name = variable(args[0])
    const expression = args[1] as Node
    let inner: Fork | undefined
    return {
      async: false,
      typeCheck(checker, _, context) {
        const of = checker.check(receiver, context)
        inner = context.forkWithVariable(name, of.kind === 'optional' ? of.valueType : checker.getType('dyn'))
        const type = checker.check(expression, inner)
        return flat ? type : checker.getType(`optional<${type.name}>`)
      },
      evaluate(evaluator, _, context) {
        const found = evaluator.run(receiver, context)
        if (!(found instanceof Optional) || !found.hasValue() || inner === undefined) return Optional.none()
        const value = evaluator.run(expression, inner.reuse(context).setIterValue(found.value(), evaluator))
        return flat ? value : Optional.of(value)
      },
    }
  }

/** By signature, as the library registers macros: an `ast` argument makes one. */
export const MACROS: readonly (readonly [signature: string, expand: (call: Call) => Macro])[] = [
  ['list.all(ast, ast, ast): bool', ALL],
  ['list.exists(ast, ast, ast): bool', EXISTS],
  ['list.existsOne(ast, ast, ast): bool', EXISTS_ONE],
  ['list.transformList(ast, ast, ast): list<dyn>', TRANSFORM_LIST],
  ['list.transformList(ast, ast, ast, ast): list<dyn>', TRANSFORM_LIST],
  ['list.transformMap(ast, ast, ast): dyn', TRANSFORM_MAP],
  ['list.transformMap(ast, ast, ast, ast): dyn', TRANSFORM_MAP],
  ['optional.optMap(ast, ast): optional<dyn>', optional(false)],
  ['optional.optFlatMap(ast, ast): optional<dyn>', optional(true)],
]
