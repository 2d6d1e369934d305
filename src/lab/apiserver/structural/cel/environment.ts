/** What rules may use: CEL, its extensions and the functions of Kubernetes. Source: apiserver pkg/cel/environment/base.go. */
import { Environment } from '@marcbachmann/cel-js'
import type { Declarations } from './declare.ts'
import { NAMED_FORMATS } from './formats.ts'
import type { CelFunction, CelLibrary } from './functions.ts'
import { LISTS } from './lists.ts'
import { MACROS } from './macros.ts'
import { NETWORK } from './network.ts'
import { CelObject } from './object.ts'
import { QUANTITY } from './quantity.ts'
import { SEMVER } from './semver.ts'
import { STRINGS } from './strings.ts'

const LIBRARIES: readonly CelLibrary[] = [STRINGS, LISTS, NETWORK, QUANTITY, SEMVER, NAMED_FORMATS]

type Run = (...values: unknown[]) => unknown
const runOf = ([, run]: CelFunction): Run => run as Run

function baseEnvironment(): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
  for (const { classes } of LIBRARIES)
    for (const { name, of, constant } of classes) {
      environment.registerType(name, { ctor: of as never, fields: {} })
      if (constant !== undefined) environment.registerConstant(constant.name, name, constant.value)
    }
  for (const { functions, operators = [] } of LIBRARIES) {
    for (const one of functions) environment.registerFunction(one[0], runOf(one), { async: false } as never)
    for (const one of operators) environment.registerOperator(one[0], runOf(one) as never)
  }
  for (const [signature, expand] of MACROS) environment.registerFunction(signature, expand as never)
  return environment
}

let base: Environment | undefined

/** An environment that knows the object types of a schema. */
export function environmentOf(declarations: Declarations): Environment {
  base ??= baseEnvironment()
  const environment = base.clone()
  for (const { name, of, fields } of declarations.objects.values()) {
    environment.registerType(name, { ctor: of as never, fields: Object.fromEntries(fields) as never })
    environment.registerOperator(`${name} == ${name}`, ((left: CelObject, right: unknown) =>
      CelObject.same(left, right)) as never)
  }
  return environment
}
