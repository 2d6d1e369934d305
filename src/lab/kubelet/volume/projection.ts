/** Which files a volume made of API objects has. */
import type { DataObject, Pod, ResourceFieldRef } from '../../../kube/types.ts'
import { FairwayError } from '../../../model/code.ts'
import { POD_DATA_MISSING, POD_FIELD_UNSUPPORTED } from '../../../model/codes/pod.ts'
import { fieldValue, type PodPlace } from '../container-env.ts'
import { resourceValue } from '../limit/resource-field.ts'
import type { ProjectedFile } from './atomic-dir.ts'

interface KeyPath {
  readonly key: string
  readonly path: string
  readonly mode?: number
}

interface DataSource {
  readonly name?: string
  readonly secretName?: string
  readonly items?: readonly KeyPath[]
  readonly optional?: boolean
}

interface FieldItem {
  readonly path: string
  readonly fieldRef?: { readonly fieldPath: string }
  readonly resourceFieldRef?: ResourceFieldRef
  readonly mode?: number
}

/** One source of files, as `projected` lists them and other volumes have one. */
export interface ProjectionSource {
  readonly configMap?: DataSource
  readonly secret?: DataSource
  readonly downwardAPI?: { readonly items?: readonly FieldItem[] }
  readonly serviceAccountToken?: { readonly path: string; readonly audience?: string; readonly expirationSeconds?: number }
}

/** Where sources find what they name. */
export interface ProjectionWorld {
  readonly pod: Pod
  readonly place: PodPlace
  configMap(name: string): Promise<DataObject | undefined>
  secret(name: string): Promise<DataObject | undefined>
  token(source: NonNullable<ProjectionSource['serviceAccountToken']>): Promise<string>
}

/** The keys of a ConfigMap or Secret as bytes. */
export function dataOf(object: DataObject): ReadonlyMap<string, Buffer> {
  const secret = object.kind === 'Secret'
  const plain = Object.entries(object.data ?? {}).map(
    ([key, text]) => [key, Buffer.from(text, secret ? 'base64' : 'utf8')] as const,
  )
  const binary = Object.entries(object.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const)
  return new Map([...plain, ...binary])
}

/** The files of all sources, later ones winning. @throws {FairwayError} POD_DATA_MISSING, POD_FIELD_UNSUPPORTED */
export async function project(
  sources: readonly ProjectionSource[],
  mode: number,
  world: ProjectionWorld,
): Promise<ReadonlyMap<string, ProjectedFile>> {
  const files = new Map<string, ProjectedFile>()
  for (const source of sources) {
    const { configMap, secret, downwardAPI, serviceAccountToken } = source
    if (configMap !== undefined) {
      const name = configMap.name ?? ''
      addKeys(files, configMap, mode, { what: `configmap "${name}"`, object: await world.configMap(name) })
    }
    if (secret !== undefined) {
      const name = secret.secretName ?? secret.name ?? ''
      addKeys(files, secret, mode, { what: `secret "${name}"`, object: await world.secret(name) })
    }
    for (const item of downwardAPI?.items ?? []) {
      const value =
        item.resourceFieldRef === undefined
          ? fieldValue(world.pod, item.fieldRef?.fieldPath ?? '', world.place)
          : resourceValue(world.pod, undefined, item.resourceFieldRef, world.place.amounts)
      if (value === undefined) throw new FairwayError(POD_FIELD_UNSUPPORTED, `The lab has no value for the file ${item.path}.`)
      files.set(item.path, { data: Buffer.from(value), mode: item.mode ?? mode })
    }
    if (serviceAccountToken !== undefined)
      files.set(serviceAccountToken.path, { data: Buffer.from(await world.token(serviceAccountToken)), mode })
  }
  return files
}

function addKeys(
  files: Map<string, ProjectedFile>,
  source: DataSource,
  mode: number,
  { what, object }: { readonly what: string; readonly object: DataObject | undefined },
): void {
  if (object === undefined) {
    if (source.optional === true) return
    throw new FairwayError(POD_DATA_MISSING, `${what} not found`)
  }
  const data = dataOf(object)
  const items: readonly KeyPath[] = source.items ?? [...data.keys()].map((key) => ({ key, path: key }))
  for (const item of items) {
    const bytes = data.get(item.key)
    if (bytes !== undefined) files.set(item.path, { data: bytes, mode: item.mode ?? mode })
    else if (source.optional !== true)
      throw new FairwayError(POD_DATA_MISSING, `${what} references non-existent key: ${item.key}`)
  }
}
