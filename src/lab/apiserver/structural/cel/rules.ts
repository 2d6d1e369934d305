/** The rules of a schema. Source: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go. */
import { isMap } from '../../json.ts'
import type { FieldError } from '../../kind.ts'
import { align, correlate } from '../correlation.ts'
import { child, key } from '../path.ts'
import type { StructuralSchema, ValidationRule } from '../types.ts'
import { equal, own } from '../value.ts'
import { Declarations, type Declared } from './declare.ts'
import { environmentOf } from './environment.ts'
import { type CompiledRule, compileRule, type Rule, type RuleScope } from './rule.ts'

const RULES = 'x-kubernetes-validations'

/** Compiles rules; made once for a schema. */
export type RuleCompiler = (
  schema: StructuralSchema,
  root: boolean,
) => readonly (CompiledRule & { readonly source: ValidationRule })[]

/** Compiles the rules of any node of a schema. Types are declared when they are first needed. */
export function ruleCompiler(schema: StructuralSchema): RuleCompiler {
  let made: { declarations: Declarations; root: Declared; scope: Omit<RuleScope, 'self' | 'jsonType'> } | undefined
  const make = () => {
    const declarations = new Declarations()
    const root = declarations.root(schema)
    return { declarations, root, scope: { environment: environmentOf(declarations), types: declarations.objects } }
  }
  return (node, root) => {
    made ??= make()
    const self = root ? made.root : (made.declarations.of(node) ?? { type: 'dyn', convert: (value: unknown) => value })
    const scope: RuleScope = { ...made.scope, self, jsonType: node.type ?? '' }
    return (node[RULES] ?? []).map((source) => ({ ...compileRule(scope, source), source }))
  }
}

/** Whether a schema has rules anywhere. */
function hasRules(schema: StructuralSchema): boolean {
  const more = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []
  const below = [...Object.values(schema.properties ?? {}), ...(schema.items === undefined ? [] : [schema.items]), ...more]
  return (schema[RULES]?.length ?? 0) > 0 || below.some(hasRules)
}

/** Asks the rules about a value and all below it. `unchanged`: the value or what it is in is as it was. */
type Asker = (value: unknown, path: string, old: unknown, unchanged: boolean) => readonly FieldError[]

/** Compiles all rules of a schema that has been accepted; undefined when it has none. */
export function compileRules(schema: StructuralSchema): ((object: unknown, old: unknown) => readonly FieldError[]) | undefined {
  if (!hasRules(schema)) return undefined
  const ask = asker(schema, ruleCompiler(schema), true)
  return (object, old) => ask?.(object, '', old, false) ?? []
}

function asker(schema: StructuralSchema, compile: RuleCompiler, root: boolean): Asker | undefined {
  if (!hasRules(schema)) return undefined
  const rules =
    (schema[RULES]?.length ?? 0) === 0 ? [] : compile(schema, root).flatMap(({ rule }) => (rule === undefined ? [] : [rule]))
  const items = schema.items === undefined ? undefined : asker(schema.items, compile, false)
  const more = typeof schema.additionalProperties === 'object' ? asker(schema.additionalProperties, compile, false) : undefined
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const ask = asker(property, compile, false)
    return ask === undefined ? [] : [[name, ask] as const]
  })
  const inMap = mapAsker(properties, more)
  return (value, path, old, unchanged) => {
    if (value === null || value === undefined) return []
    const same = unchanged || (old !== undefined && equal(value, old))
    const here = askRules(rules, value, path, same || rules.length === 0 ? old : align(schema, old, value), same)
    if (Array.isArray(value)) {
      const before = correlate(schema, old)
      return [...here, ...value.flatMap((item, index) => items?.(item, key(path, index), before(item), same) ?? [])]
    }
    return isMap(value) ? [...here, ...inMap(value, path, isMap(old) ? old : undefined, same)] : here
  }
}

/** A rule without `oldSelf` is not held against what did not change. */
function askRules(rules: readonly Rule[], value: unknown, path: string, old: unknown, unchanged: boolean): readonly FieldError[] {
  return rules.flatMap((rule) => {
    if (unchanged && !rule.usesOldSelf) return []
    const error = rule.check(value, path, old)
    return error === undefined ? [] : [error]
  })
}

type Fields = Readonly<Record<string, unknown>>

function mapAsker(properties: readonly (readonly [string, Asker])[], more: Asker | undefined) {
  const named = new Set(properties.map(([name]) => name))
  return (map: Fields, path: string, old: Fields | undefined, unchanged: boolean): readonly FieldError[] => [
    ...properties.flatMap(([name, ask]) =>
      Object.hasOwn(map, name) ? ask(map[name], child(path, name), own(old, name), unchanged) : [],
    ),
    ...(more === undefined
      ? []
      : Object.keys(map)
          .filter((name) => !named.has(name))
          .flatMap((name) => more(map[name], key(path, name), own(old, name), unchanged))),
  ]
}
