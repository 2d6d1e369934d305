/** The registry of every code. A test matches it with docs/reference/codes.md, both ways. */
import type { Code } from '../code.ts'
import * as agent from './agent.ts'
import * as kube from './kube.ts'
import * as machine from './machine.ts'

export const CODES: readonly Code[] = [agent, kube, machine].flatMap((area) => Object.values(area))
