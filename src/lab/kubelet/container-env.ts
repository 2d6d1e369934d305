/** A container's environment, command and arguments, from the pod, its image and where it runs. */
import type { Container, DataObject, EnvVar, Pod } from '../../kube/types.ts'
import { FairwayError } from '../../model/code.ts'
import { POD_DATA_MISSING, POD_FIELD_UNSUPPORTED } from '../../model/codes/pod.ts'
import type { Image } from '../images/image.ts'
import { type NodeAmounts, resourceValue } from './limit/resource-field.ts'

export interface PodPlace {
  readonly podIPs: readonly string[]
  readonly hostIPs: readonly string[]
  readonly hostname: string
  /** What the node can give: the limit of containers that have none. */
  readonly amounts: NodeAmounts
}

/** Where ConfigMaps and Secrets of the pod's namespace come from; undefined for one that is not there. */
export interface EnvData {
  configMap(name: string): Promise<DataObject | undefined>
  secret(name: string): Promise<DataObject | undefined>
}

/** Where a container is. */
export interface EnvPlace {
  readonly place: PodPlace
  readonly data: EnvData
  /** What it is told of Services. */
  readonly services: Readonly<Record<string, string>>
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The environment: that of Services, the image's, then the pod's, later entries winning; `$(NAME)` in a value means a Service's or an
 * earlier entry.
 * @throws {FairwayError} POD_DATA_MISSING; POD_FIELD_UNSUPPORTED for a source that the lab does not have
 */
export async function containerEnv(
  pod: Pod,
  container: Container,
  image: Image,
  { place, data, services }: EnvPlace,
): Promise<Readonly<Record<string, string>>> {
  const env: Record<string, string> = { ...services, PATH, HOSTNAME: place.hostname, HOME: '/root', ...image.env }
  const declared: Record<string, string> = {}
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const keys = await keysOf({ configMapRef, secretRef }, data)
    for (const [key, value] of Object.entries(keys ?? {})) declared[`${prefix}${key}`] = value
  }
  for (const [index, entry] of (container.env ?? []).entries()) {
    const where = `${container.name}.env[${index}]`
    const { configMapKeyRef, secretKeyRef } = entry.valueFrom ?? {}
    if (entry.valueFrom === undefined) declared[entry.name] = expand(entry.value ?? '', { ...services, ...declared })
    else if (configMapKeyRef === undefined && secretKeyRef === undefined)
      declared[entry.name] = fromField(pod, { entry, container, where }, place)
    else {
      const value = await fromKey(entry, data)
      if (value !== undefined) declared[entry.name] = value
    }
  }
  return { ...env, ...declared }
}

interface DataRef {
  readonly name: string
  readonly optional?: boolean
}

/** All keys of what is referred to; undefined when it may be absent and is. */
async function keysOf(
  { configMapRef, secretRef }: { readonly configMapRef?: DataRef; readonly secretRef?: DataRef },
  data: EnvData,
): Promise<Readonly<Record<string, string>> | undefined> {
  const ref = configMapRef ?? secretRef
  if (ref === undefined) return undefined
  const object = configMapRef === undefined ? await data.secret(ref.name) : await data.configMap(ref.name)
  if (object === undefined) {
    if (ref.optional === true) return undefined
    throw new FairwayError(POD_DATA_MISSING, `${configMapRef === undefined ? 'secret' : 'configmap'} "${ref.name}" not found`)
  }
  const entries = Object.entries(object.data ?? {})
  if (configMapRef !== undefined) return Object.fromEntries(entries)
  return Object.fromEntries(entries.map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]))
}

async function fromKey({ valueFrom }: EnvVar, data: EnvData): Promise<string | undefined> {
  const { configMapKeyRef, secretKeyRef } = valueFrom ?? {}
  const keys = await keysOf({ configMapRef: configMapKeyRef, secretRef: secretKeyRef }, data)
  const { key = '', optional, name } = configMapKeyRef ?? secretKeyRef ?? {}
  if (keys === undefined || (keys[key] === undefined && optional === true)) return undefined
  if (keys[key] === undefined) {
    const kind = configMapKeyRef === undefined ? 'Secret' : 'ConfigMap'
    throw new FairwayError(POD_DATA_MISSING, `couldn't find key ${key} in ${kind} ${name}`)
  }
  return keys[key]
}

/**
 * The command line: a container's `command` replaces the image's entrypoint and arguments, its `args` the arguments alone.
 * `$(NAME)` is expanded. Source: Kubernetes, "Define a Command and Arguments for a Container".
 */
export function containerCommand(container: Container, image: Image, env: Readonly<Record<string, string>>): readonly string[] {
  const command = container.command ?? []
  const args = container.args ?? []
  const own = [...command, ...args].map((word) => expand(word, env))
  if (command.length > 0) return own
  return args.length > 0 ? [...image.entrypoint, ...own] : [...image.entrypoint, ...image.args]
}

/** Replaces `$(NAME)` by its value; an unknown name stays as it is, `$$` is a dollar. Source: k8s third_party/forked/golang/expansion. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name?: string) => (name === undefined ? '$' : (env[name] ?? whole)))
}

interface FieldEntry {
  readonly entry: EnvVar
  readonly container: Container
  readonly where: string
}

function fromField(pod: Pod, { entry, container, where }: FieldEntry, place: PodPlace): string {
  const { fieldRef, resourceFieldRef } = entry.valueFrom ?? {}
  if (resourceFieldRef !== undefined) {
    const amount = resourceValue(pod, container, resourceFieldRef, place.amounts)
    if (amount !== undefined) return amount
    const message = `The resource "${resourceFieldRef.resource}" of ${entry.name} is not known to the lab.`
    throw new FairwayError(POD_FIELD_UNSUPPORTED, message, { field: where })
  }
  const path = fieldRef?.fieldPath
  if (path === undefined) {
    throw new FairwayError(
      POD_FIELD_UNSUPPORTED,
      `The lab fills environment from literal values, fieldRef and resourceFieldRef only; ${entry.name} has another source.`,
      {
        field: where,
      },
    )
  }
  const value = fieldValue(pod, path, place)
  if (value === undefined)
    throw new FairwayError(POD_FIELD_UNSUPPORTED, `The field path "${path}" of ${entry.name} is not known to the lab.`, {
      field: where,
    })
  return value
}

/** A field of the downward API; undefined for a path that the lab does not know. */
export function fieldValue(pod: Pod, path: string, place: PodPlace): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed !== null) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? ''
  const whole = /^metadata\.(labels|annotations)$/.exec(path)
  if (whole !== null)
    return Object.entries(pod.metadata[whole[1] as 'labels' | 'annotations'] ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join('\n')
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name ?? '',
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid ?? '',
    'spec.nodeName': pod.spec?.nodeName ?? '',
    'spec.serviceAccountName': pod.spec?.serviceAccountName ?? 'default',
    'status.hostIP': place.hostIPs[0] ?? '',
    'status.hostIPs': place.hostIPs.join(','),
    'status.podIP': place.podIPs[0] ?? '',
    'status.podIPs': place.podIPs.join(','),
  }
  return fields[path]
}
