/** Whether the rules of a schema are well said and compile. Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go. */
import type { FieldError } from '../kind.ts'
import { invalid, notSupported, required } from '../kinds/check.ts'
import { type RuleCompiler, ruleCompiler } from './cel/rules.ts'
import { fieldPathExists } from './field-path.ts'
import { child, key } from './path.ts'
import type { StructuralSchema, ValidationRule } from './types.ts'

type Errors = readonly FieldError[]

const RULES = 'x-kubernetes-validations'
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

const hasLines = (text: string): boolean => /[\r\n]/.test(text)

/** What is wrong with the form of the rules of one schema. */
export function ruleForm(schema: StructuralSchema, path: string): Errors {
  return (schema[RULES] ?? []).flatMap((rule, index) => {
    const at = key(child(path, RULES), index)
    return [...textErrors(rule, at), ...fieldPathErrors(schema, rule, at)]
  })
}

function textErrors(rule: ValidationRule, at: string): Errors {
  const { message = '', messageExpression = '', reason } = rule
  const text = message.trim()
  const source = (rule.rule ?? '').trim()
  const errors: FieldError[] = []
  if (source === '') errors.push(required(child(at, 'rule'), 'rule is not specified'))
  else if (message !== '' && text === '')
    errors.push(invalid(child(at, 'message'), message, 'message must be non-empty if specified'))
  else if (hasLines(text)) errors.push(invalid(child(at, 'message'), message, 'message must not contain line breaks'))
  else if (hasLines(source) && text === '')
    errors.push(required(child(at, 'message'), 'message must be specified if rule contains line breaks'))
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(required(child(at, 'messageExpression'), 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(child(at, 'reason'), reason, REASONS))
  return errors
}

function fieldPathErrors(schema: StructuralSchema, { fieldPath = '' }: ValidationRule, at: string): Errors {
  if (fieldPath === '') return []
  const wrong = [
    fieldPath.trim() === '' ? 'fieldPath must be non-empty if specified' : '',
    hasLines(fieldPath) ? 'fieldPath must not contain line breaks' : '',
    fieldPathExists(schema, fieldPath) ? '' : 'fieldPath must be a valid path',
  ]
  return wrong.filter((detail) => detail !== '').map((detail) => invalid(child(at, 'fieldPath'), fieldPath, detail))
}

/** What does not compile, and rules on `oldSelf` where old and new cannot be told to belong together. */
export function ruleErrors(schema: StructuralSchema, path: string): Errors {
  return nodeErrors({ schema, path, root: true }, ruleCompiler(schema))
}

interface Node {
  readonly schema: StructuralSchema
  readonly path: string
  readonly root: boolean
  /** The list whose members have no history, when the node is inside of one. */
  readonly uncorrelated?: string
}

function nodeErrors(node: Node, compile: RuleCompiler): Errors {
  const { schema, path, uncorrelated } = node
  const inherited = { root: false, ...(uncorrelated === undefined ? {} : { uncorrelated }) }
  const inList = schema['x-kubernetes-list-type'] === 'map' ? inherited : { root: false, uncorrelated: uncorrelated ?? path }
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  return [
    ...((schema[RULES]?.length ?? 0) === 0 ? [] : ownErrors(node, compile)),
    ...(more === undefined ? [] : nodeErrors({ ...inherited, schema: more, path: child(path, 'additionalProperties') }, compile)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      nodeErrors({ ...inherited, schema: property, path: key(child(path, 'properties'), name) }, compile),
    ),
    ...(schema.items === undefined ? [] : nodeErrors({ ...inList, schema: schema.items, path: child(path, 'items') }, compile)),
  ]
}

function ownErrors({ schema, path, root, uncorrelated }: Node, compile: RuleCompiler): Errors {
  return compile(schema, root).flatMap(({ source, error, messageError, usesOldSelf }, index) => {
    const at = key(child(path, RULES), index)
    const broken = error !== undefined ? [invalid(child(at, 'rule'), source, error)] : []
    const message = messageError !== undefined ? [invalid(child(at, 'messageExpression'), source, messageError)] : []
    const history =
      usesOldSelf && uncorrelated !== undefined
        ? [
            invalid(
              child(at, 'rule'),
              source.rule,
              `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
            ),
          ]
        : !usesOldSelf && error === undefined && source.optionalOldSelf !== undefined
          ? [invalid(child(at, 'optionalOldSelf'), source.optionalOldSelf, 'may not be set if oldSelf is not used in rule')]
          : []
    return [...broken, ...message, ...history]
  })
}
