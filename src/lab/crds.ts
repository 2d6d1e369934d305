/** Gives a lab the CustomResourceDefinitions that ship with Fairway. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import type { KubeClient } from '../kube/client.ts'
import type { Resource } from '../kube/resource.ts'
import type { KubeObject } from '../kube/types.ts'
import { FairwayError } from '../model/code.ts'
import { LAB_DEFINITIONS_UNREADABLE } from '../model/codes/lab.ts'

interface Definition extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

const DEFINITIONS: Resource<Definition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}

/** Where they lie: `deploy/crds` of the package, beside `src` and `dist` alike; undefined where that is not there. */
export function shippedDefinitions(): string | undefined {
  const candidates = ['../../deploy/crds', '../deploy/crds'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return candidates.find((path) => existsSync(path))
}

/** The definitions of a folder. Order: of the file names, then as in the file. @throws {FairwayError} LAB_DEFINITIONS_UNREADABLE */
export function readDefinitions(folder: string): readonly Definition[] {
  const files = readdirSync(folder).filter((name) => /\.(ya?ml|json)$/.test(name))
  return files.toSorted().flatMap((name) => definitionsOf(join(folder, name)))
}

function definitionsOf(file: string): readonly Definition[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { merge: true })
  return [...documents].flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw unreadable(file, error.message.split('\n')[0] ?? '', error)
    const object = document.toJS() as Definition | null
    if (object === null) return []
    const { kind, metadata } = object
    if (kind !== DEFINITIONS.kind || metadata?.name === undefined)
      throw unreadable(file, `it holds a ${kind ?? 'document without a kind'} where a CustomResourceDefinition should be`)
    return [object]
  })
}

const unreadable = (file: string, why: string, cause?: unknown): FairwayError =>
  new FairwayError(LAB_DEFINITIONS_UNREADABLE, `${file}: ${why}`, { field: file, cause })

/**
 * Applies the definitions of a folder, and waits until their kinds are served. What others changed in them is taken back.
 * @throws {FairwayError} LAB_DEFINITIONS_UNREADABLE, also when the API server refuses one
 */
export async function applyDefinitions(client: KubeClient, folder: string): Promise<readonly string[]> {
  const names: string[] = []
  for (const definition of readDefinitions(folder)) {
    const { name = '' } = definition.metadata
    const query = { fieldManager: 'fairway-lab', force: true, fieldValidation: 'Strict' }
    try {
      await client.patch(DEFINITIONS, { name }, definition, { type: 'apply', query })
    } catch (cause) {
      throw unreadable(folder, `${name} was refused: ${(cause as Error).message}`, cause)
    }
    names.push(name)
  }
  for (const name of names) await untilEstablished(client, name)
  return names
}

const POLL_IN_MS = 20
const LIMIT_IN_MS = 10_000

async function untilEstablished(client: KubeClient, name: string): Promise<void> {
  const deadline = performance.now() + LIMIT_IN_MS
  for (;;) {
    const { status } = await client.get(DEFINITIONS, { name })
    const conditions = status?.conditions ?? []
    if (conditions.some((one) => one.type === 'Established' && one.status === 'True')) return
    if (performance.now() > deadline) throw unreadable(name, 'it is not established: its names are taken')
    await new Promise((resolve) => setTimeout(resolve, POLL_IN_MS))
  }
}
