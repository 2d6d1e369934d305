import { readFileSync } from 'node:fs'
import { FairwayError } from '../../model/code.ts'
import { LAB_TOPOLOGY_INVALID } from '../../model/codes/lab.ts'
import type { Topology } from '../topology.ts'
import { type ParseOptions, parseTopology } from './parse.ts'

/** The topology in a file; `-` is standard input. @throws {FairwayError} LAB_TOPOLOGY_INVALID */
export function readTopologyFile(path: string, options: ParseOptions = {}): Topology {
  return parseTopology(readText(path), options)
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new FairwayError(LAB_TOPOLOGY_INVALID, `The topology file cannot be read: ${reason}.`, {
      field: '--file',
      fix: 'Name a file that is there, or - for standard input.',
      cause,
    })
  }
}
