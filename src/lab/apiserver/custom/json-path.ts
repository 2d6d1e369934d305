/** JSONPath as Kubernetes has it, as far as printer columns use it. Source: client-go util/jsonpath. */
import { isMap } from '../json.ts'

/** One step of a path: from a value to those that it leads to. */
type Step = (value: unknown) => readonly unknown[]

/** Values that a path leads to from an object, in order; none when there is nothing, or the path cannot be read. */
export type JsonPath = (object: unknown) => readonly unknown[]

const FIELD = /^\.?((?:[^\\.[\]()'"*\s]|\\.)+)/
const QUOTED = /^\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/
const INDEX = /^\[(-?\d+)\]/
const RANGE = /^\[(-?\d*):(-?\d*)\]/
const EACH = /^(?:\[\*\]|\.\*)/
const DESCENT = /^\.\.((?:[^\\.[\]()'"*\s]|\\.)+)/
const FILTER = /^\[\?\(\s*@((?:\.[^\s=!<>)]+|\[[^\]]*\])*)\s*(?:(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[^\s)]+)\s*)?\)\]/

const unescaped = (text: string): string => text.replaceAll(/\\(.)/g, '$1')
const elements = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const field =
  (name: string): Step =>
  (value) =>
    isMap(value) && Object.hasOwn(value, name) ? [value[name]] : []

/** A value and all that is in it. */
function everything(value: unknown): readonly unknown[] {
  const inner = Array.isArray(value) ? value : isMap(value) ? Object.values(value) : []
  return [value, ...inner.flatMap(everything)]
}

type Reader = readonly [RegExp, (match: RegExpExecArray) => Step | undefined]

const READERS: readonly Reader[] = [
  [
    DESCENT,
    ([, name = '']) =>
      (value) =>
        everything(value).flatMap(field(unescaped(name))),
  ],
  [EACH, () => (value) => (isMap(value) ? Object.values(value) : elements(value))],
  [QUOTED, ([, single, double]) => field(unescaped(single ?? double ?? ''))],
  [
    INDEX,
    ([, index]) =>
      (value) =>
        elements(value).slice(Number(index)).slice(0, 1),
  ],
  [
    RANGE,
    ([, from = '', to = '']) =>
      (value) =>
        elements(value).slice(Number(from), to === '' ? undefined : Number(to)),
  ],
  [FILTER, ([, path = '', operator, literal]) => filter(path, operator, literal)],
  [FIELD, ([, name = '']) => field(unescaped(name))],
]

function filter(text: string, operator: string | undefined, literal = ''): Step | undefined {
  const steps = read(text)
  if (steps === undefined) return undefined
  const wanted = /^["']/.test(literal) ? literal.slice(1, -1) : scalar(literal)
  const passes = (value: unknown): boolean => {
    const [found] = walk(steps, value)
    return operator === undefined ? found !== undefined : found !== undefined && compare(found, operator, wanted)
  }
  return (value) => elements(value).filter(passes)
}

function scalar(literal: string): unknown {
  if (literal === 'true' || literal === 'false') return literal === 'true'
  return literal !== '' && Number.isFinite(Number(literal)) ? Number(literal) : literal
}

function compare(found: unknown, operator: string, wanted: unknown): boolean {
  if (operator === '==') return found === wanted
  if (operator === '!=') return found !== wanted
  if (typeof found !== typeof wanted || (typeof found !== 'number' && typeof found !== 'string')) return false
  const [a, b] = [found, wanted as typeof found]
  return { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[operator] ?? false
}

function read(text: string): readonly Step[] | undefined {
  const steps: Step[] = []
  for (let rest = text; rest !== '' && rest !== '.'; ) {
    const found = READERS.map(([pattern, make]) => ({ match: pattern.exec(rest), make })).find(({ match }) => match !== null)
    const step = found?.match == null ? undefined : found.make(found.match)
    if (step === undefined) return undefined
    steps.push(step)
    rest = rest.slice(found?.match?.[0].length)
  }
  return steps
}

const walk = (steps: readonly Step[], value: unknown): readonly unknown[] =>
  steps.reduce<readonly unknown[]>((values, step) => values.flatMap(step), [value])

/** Reads a path such as `.status.conditions[?(@.type=="Ready")].status`, once. Errors: what cannot be read leads nowhere. */
export function parseJsonPath(path: string): JsonPath {
  const steps = read(path)
  return steps === undefined ? () => [] : (object) => walk(steps, object)
}
