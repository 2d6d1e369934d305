/** Manifests of a user: a file as `kubectl apply -f` takes it, read and not sent anywhere. */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../kube/types.ts'
import { FairwayError } from '../model/code.ts'
import { USAGE_FILE_INVALID } from '../model/codes/usage.ts'

/** An object of any kind, with a name. Nothing else of it is trusted to have any shape. */
export interface Manifest extends KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: KubeObject['metadata'] & { readonly name: string }
  readonly spec?: unknown
}

const STANDARD_INPUT = 0
const LISTS = /^(\w+)?List$/

/**
 * The objects of the files, in their order; `-` is standard input. Those of a List are taken out of it.
 *
 * @throws {FairwayError} USAGE_FILE_INVALID when a file cannot be read, or holds what is no object of the API
 */
export function readManifests(files: readonly string[]): readonly Manifest[] {
  return files.flatMap((file) => manifestsOf(readText(file), file === '-' ? 'standard input' : file))
}

/** The text of a file, `-` for standard input. @throws {FairwayError} USAGE_FILE_INVALID */
export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? STANDARD_INPUT : file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = { ENOENT: 'is not there', EISDIR: 'is a folder, not a file', EACCES: 'may not be read' }[code ?? '']
    throw new FairwayError(USAGE_FILE_INVALID, `${file} ${why ?? `cannot be read: ${message}`}.`, { field: '-f', cause: error })
  }
}

function manifestsOf(text: string, where: string): readonly Manifest[] {
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document, at) => {
    const place = documents.length > 1 ? `${where}, document ${at + 1},` : where
    const [wrong] = document.errors
    if (wrong !== undefined) throw invalid(place, `is no YAML: ${wrong.message.split('\n')[0]?.replace(/:$/, '')}`)
    const value: unknown = document.toJS()
    return value === null || value === undefined ? [] : objectsOf(value, place)
  })
}

function objectsOf(value: unknown, place: string): readonly Manifest[] {
  const { apiVersion, kind, metadata, items } = value as Partial<Manifest> & { readonly items?: unknown }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string')
    throw invalid(place, 'is no object of Kubernetes: it has no apiVersion and kind')
  if (LISTS.test(kind) && Array.isArray(items)) return items.flatMap((item, at) => objectsOf(item ?? {}, `${place} items[${at}]`))
  const isNamed = typeof metadata === 'object' && metadata !== null && typeof metadata.name === 'string' && metadata.name !== ''
  if (!isNamed) throw invalid(place, `has a ${kind} without metadata.name`)
  return [value as Manifest]
}

function invalid(place: string, what: string): FairwayError {
  return new FairwayError(USAGE_FILE_INVALID, `${place} ${what}.`, { field: '-f' })
}
