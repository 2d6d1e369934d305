/** One rule, compiled. Source: apiextensions-apiserver pkg/apiserver/schema/cel/{compilation,validation}.go. */
import { type Environment, Optional, type ParseResult } from '@marcbachmann/cel-js'
import type { FieldError } from '../../kind.ts'
import { child, NO_FIELD } from '../path.ts'
import type { ValidationRule } from '../types.ts'
import type { Declared, ObjectType } from './declare.ts'
import { badLiteral, missingInHas, rename, uses } from './syntax.ts'
import { compileFailure, isOverload, located, runFailure } from './words.ts'

/** What a rule is compiled against. */
export interface RuleScope {
  /** Knows the object types; no variables yet. */
  readonly environment: Environment
  readonly types: ReadonlyMap<string, ObjectType>
  readonly self: Declared
  /** The schema's type, which errors name in place of the value. */
  readonly jsonType: string
}

/** A rule that compiles. */
export interface Rule {
  readonly usesOldSelf: boolean
  /** The error of a value that breaks the rule. `old` is undefined when there is none to compare with: the rule may not apply. */
  check(value: unknown, path: string, old: unknown): FieldError | undefined
}

export interface CompiledRule {
  readonly rule?: Rule
  readonly usesOldSelf: boolean
  /** Why it does not compile. */
  readonly error?: string
  readonly messageError?: string
}

interface Expression {
  readonly run?: ParseResult
  readonly error?: string
}

/** Compiles an expression that must be of a type. */
function compile(environment: Environment, scope: RuleScope, source: string, type: 'bool' | 'string'): Expression {
  const names = (): ReadonlySet<string> => new Set(environment.getDefinitions().functions.map(({ name }) => name))
  try {
    const run = environment.parse(source)
    rename(run.ast)
    const found = run.check()
    if (!found.valid) return { error: compileFailure(source, found.error, (name) => names().has(name)) }
    const missing = missingInHas(run.ast, scope.types)
    if (missing !== undefined)
      return { error: `compilation failed: ${located(source, missing.at, `undefined field '${missing.field}'`)}` }
    const literal = badLiteral(run.ast)
    if (literal !== undefined)
      return { error: `compilation failed: ${located(source, literal.at, `invalid ${literal.name} argument`)}` }
    if (found.type === type || found.type === 'dyn') return { run }
    return { error: type === 'bool' ? 'must evaluate to a bool' : 'must evaluate to a string' }
  } catch (error) {
    return { error: compileFailure(source, error, (name) => names().has(name)) }
  }
}

/** Compiles a rule and its message. Never throws. */
export function compileRule(scope: RuleScope, rule: ValidationRule): CompiledRule {
  const source = rule.rule.trim()
  const optional = rule.optionalOldSelf === true
  const environment = scope.environment
    .clone()
    .registerVariable('self', scope.self.type)
    .registerVariable('oldSelf', optional ? `optional<${scope.self.type}>` : scope.self.type)
  const expression = compile(environment, scope, source, 'bool')
  const text = rule.messageExpression?.trim() ?? ''
  const message: Expression = text === '' ? {} : compile(environment, scope, text, 'string')
  const usesOldSelf = expression.run !== undefined && uses(expression.run.ast, 'oldSelf')
  const errors = {
    ...(expression.error === undefined ? {} : { error: expression.error }),
    ...(message.error === undefined ? {} : { messageError: `messageExpression ${message.error}` }),
  }
  if (expression.run === undefined) return { usesOldSelf, ...errors }
  return { usesOldSelf, ...errors, rule: ruleOf(scope, rule, { ...message, rule: expression.run, usesOldSelf }) }
}

interface Parts {
  readonly rule: ParseResult
  readonly run?: ParseResult
  readonly usesOldSelf: boolean
}

function ruleOf(scope: RuleScope, rule: ValidationRule, parts: Parts): Rule {
  const optional = rule.optionalOldSelf === true
  const variablesOf = (value: unknown, old: unknown): Readonly<Record<string, unknown>> => {
    const self = scope.self.convert(value)
    if (!parts.usesOldSelf) return { self }
    const before = isNone(old) ? undefined : scope.self.convert(old)
    return { self, oldSelf: optional ? Optional.of(before) : before }
  }
  const check: Rule['check'] = (value, path, old) => {
    if (parts.usesOldSelf && isNone(old) && !optional) return undefined
    try {
      const variables = variablesOf(value, old)
      if (parts.rule(variables) === true) return undefined
      const detail = messageOf(parts.run, variables) ?? defaultMessage(rule)
      return broken(rule, rule.fieldPath === undefined ? path : child(path, fieldOf(rule.fieldPath)), scope.jsonType, detail)
    } catch (error) {
      return { type: 'Invalid', field: orNone(path), value: scope.jsonType, detail: unanswered(rule, error) }
    }
  }
  return { usesOldSelf: parts.usesOldSelf, check }
}

const isNone = (value: unknown): boolean => value === undefined || value === null
const orNone = (path: string): string => (path === '' ? NO_FIELD : path)

function unanswered(rule: ValidationRule, error: unknown): string {
  const why = runFailure(error)
  const told = (rule.message ?? '').trim() || rule.rule.trim()
  if (!isOverload(error)) return `${why} evaluating rule: ${told}`
  return `'${why}': call arguments did not match a supported operator, function or macro signature for rule: ${told}`
}

const defaultMessage = (rule: ValidationRule): string =>
  rule.message === undefined || rule.message === '' ? `failed rule: ${rule.rule.trim()}` : rule.message.trim()

const LONGEST_MESSAGE_IN_BYTES = 5 * 1024

/** The message that a rule makes; undefined when it makes none that can be used. */
function messageOf(run: ParseResult | undefined, variables: Readonly<Record<string, unknown>>): string | undefined {
  if (run === undefined) return undefined
  try {
    const message: unknown = run(variables)
    if (typeof message !== 'string' || message.trim() === '' || /[\r\n]/.test(message.trim())) return undefined
    return Buffer.byteLength(message) > LONGEST_MESSAGE_IN_BYTES ? undefined : message.trim()
  } catch {
    return undefined
  }
}

function broken(rule: ValidationRule, path: string, value: string, detail: string): FieldError {
  const field = orNone(path)
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return { type: 'Forbidden', field, detail }
    case 'FieldValueRequired':
      return { type: 'Required', field, detail }
    case 'FieldValueDuplicate':
      return { type: 'Duplicate', field, value }
    default:
      return { type: 'Invalid', field, value, detail }
  }
}

/** `.spec['x.y']` as paths are printed. */
function fieldOf(jsonPath: string): string {
  return jsonPath
    .replaceAll(/\['((?:[^'\\]|\\.)*)'\]/g, (_, name: string) => `.${name.replaceAll(/\\(.)/g, '$1')}`)
    .replace(/^\./, '')
}
