/** A container's environment, command and arguments, from the pod, its image and where it runs. */
import type { Container, EnvVar, Pod } from '../../kube/types.ts'
import { FairwayError } from '../../model/code.ts'
import { POD_FIELD_UNSUPPORTED } from '../../model/codes/pod.ts'
import type { Image } from '../images/image.ts'

export interface PodPlace {
  readonly podIPs: readonly string[]
  readonly hostIPs: readonly string[]
  readonly hostname: string
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The environment: the image's, then the pod's, later entries winning; `$(NAME)` in a value means an earlier entry.
 * @throws {FairwayError} POD_FIELD_UNSUPPORTED for a source that the lab does not have
 */
export function containerEnv(pod: Pod, container: Container, image: Image, place: PodPlace): Readonly<Record<string, string>> {
  const env: Record<string, string> = { PATH, HOSTNAME: place.hostname, HOME: '/root', ...image.env }
  const declared: Record<string, string> = {}
  for (const [index, entry] of (container.env ?? []).entries()) {
    const value =
      entry.valueFrom === undefined
        ? expand(entry.value ?? '', declared)
        : fromField(pod, entry, place, `${container.name}.env[${index}]`)
    declared[entry.name] = value
  }
  return { ...env, ...declared }
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

function fromField(pod: Pod, entry: EnvVar, place: PodPlace, where: string): string {
  const path = entry.valueFrom?.fieldRef?.fieldPath
  if (path === undefined) {
    throw new FairwayError(
      POD_FIELD_UNSUPPORTED,
      `The lab fills environment from literal values and fieldRef only; ${entry.name} has another source.`,
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

function fieldValue(pod: Pod, path: string, place: PodPlace): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed !== null) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? ''
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name ?? '',
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid ?? '',
    'spec.nodeName': pod.spec?.nodeName ?? '',
    'spec.serviceAccountName': 'default',
    'status.hostIP': place.hostIPs[0] ?? '',
    'status.hostIPs': place.hostIPs.join(','),
    'status.podIP': place.podIPs[0] ?? '',
    'status.podIPs': place.podIPs.join(','),
  }
  return fields[path]
}
