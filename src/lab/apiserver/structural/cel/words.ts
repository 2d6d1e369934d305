/** Errors of CEL in the words of Kubernetes. */
import type { EvaluationError, ParseError, TypeError as WrongType } from '@marcbachmann/cel-js'
import { RENAMED } from './renamed.ts'

/** What the library throws, as far as it is looked at. */
type CelError = ParseError | WrongType | EvaluationError

const isCelError = (error: unknown): error is CelError => error instanceof Error && 'summary' in error && 'code' in error

const FUNCTION = /^found no matching overload for '(?:([^']*)\.)?(\w+)\(([^']*)\)'$/

/** Why a rule does not compile: `compilation failed: ERROR: <input>:1:5: undefined field 'b'`, and where. */
export function compileFailure(source: string, error: unknown, knows: (name: string) => boolean): string {
  if (!isCelError(error)) return `compilation failed: ${error instanceof Error ? error.message : String(error)}`
  const text = sentence(error.summary, knows)
  return `compilation failed: ${located(source, positionOf(source, error), text)}`
}

/** A sentence with its place: line and column, the line, and an arrow. */
export function located(source: string, position: number, text: string): string {
  const before = source.slice(0, position).split('\n')
  const column = before.at(-1)?.length ?? 0
  const line = source.split('\n')[before.length - 1] ?? ''
  return `ERROR: <input>:${before.length}:${column + 1}: ${text}\n | ${line}\n | ${'.'.repeat(column)}^`
}

function sentence(summary: string, knows: (name: string) => boolean): string {
  const key = /^No such key: (.*)$/.exec(summary)
  if (key !== null) return `undefined field '${key[1]}'`
  const variable = /^Unknown variable: (.*)$/.exec(summary)
  if (variable !== null) return `undeclared reference to '${variable[1]}' (in container '')`
  const called = FUNCTION.exec(summary)
  if (called !== null) return calledWrongly(called, knows)
  const operator = /^no such overload: (.+) ([=!<>+\-*/%]+|in) (.+)$/.exec(summary)
  if (operator !== null) return `found no matching overload for '_${operator[2]}_' applied to '(${operator[1]}, ${operator[3]})'`
  return summary.startsWith('Unexpected') || summary.startsWith('Expected') ? `Syntax error: ${summary}` : summary
}

function calledWrongly([, receiver, given = '', types = '']: RegExpExecArray, knows: (name: string) => boolean): string {
  const name = RENAMED.find(([, ours]) => ours === given)?.[0] ?? given
  if (!knows(given)) return `undeclared reference to '${name}' (in container '')`
  return `found no matching overload for '${name}' applied to '${receiver === undefined ? '' : `${receiver}.`}(${types})'`
}

/** cel-go points at the dot of a field and at the bracket of a call. */
function positionOf(source: string, error: CelError): number {
  const { start = 0, end = source.length } = error.range ?? {}
  const text = source.slice(start, end)
  if (error.summary.startsWith('No such key: ')) return source[start - 1] === '.' ? start - 1 : start
  const called = FUNCTION.exec(error.summary)
  if (called === null) return start
  const name = RENAMED.find(([, ours]) => ours === called[2])?.[0] ?? called[2] ?? ''
  const at = text.lastIndexOf(`${name}(`)
  return at < 0 ? start : start + at + name.length
}

/** Why a rule has no answer for a value. */
export function runFailure(error: unknown): string {
  if (!isCelError(error)) return error instanceof Error ? error.message : String(error)
  const index = /index out of bounds, index (-?\d+)/.exec(error.summary)
  if (index !== null) return `index out of bounds: ${index[1]}`
  return error.summary.replace(/^No such key: /, 'no such key: ')
}

/** Whether a value was of a type that the rule's functions and operators do not take: known at run time only. */
export const isOverload = (error: unknown): boolean =>
  isCelError(error) && (error.code === 'no_such_overload' || error.code === 'no_matching_overload')
