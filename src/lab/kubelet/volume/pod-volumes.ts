/** The volumes of one pod: laid before its containers start, kept up to date while they run. */
import { chmod, mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isNotFound } from '../../../kube/api-error.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { CONFIG_MAPS, type Resource, SECRETS } from '../../../kube/resource.ts'
import type { Container, DataObject, Pod } from '../../../kube/types.ts'
import { logger } from '../../../log/log.ts'
import { FairwayError } from '../../../model/code.ts'
import { POD_FIELD_UNSUPPORTED } from '../../../model/codes/pod.ts'
import { expand, type PodPlace } from '../container-env.ts'
import type { Bind } from '../sandbox.ts'
import { writeAtomicDir } from './atomic-dir.ts'
import type { FollowedData } from './followed-data.ts'
import { type ProjectionSource, type ProjectionWorld, project } from './projection.ts'
import { TokenRenewal } from './token-renewal.ts'
import { VolumeError } from './volume-error.ts'

type Volume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number]

const DEFAULT_MODE = 0o644

export interface VolumeContext {
  readonly pod: Pod
  readonly place: PodPlace
  /** Where the volumes are kept: a folder of the pod's. */
  readonly dir: string
  readonly client: KubeClient
  readonly followed: FollowedData
}

/** What the server gives who asks for a token. */
interface Grant {
  readonly token?: string
  readonly expirationTimestamp?: string
}

export class PodVolumes {
  readonly #context: VolumeContext
  readonly #paths = new Map<string, string>()
  /** resourceVersion of each ConfigMap and Secret, by plural and name, when it was last read. */
  readonly #read = new Map<string, string>()
  readonly #following = new AbortController()
  readonly #renewal = new TokenRenewal((name) => this.#renew(name))
  #writing: Promise<void> = Promise.resolve()

  constructor(context: VolumeContext) {
    this.#context = context
  }

  /** A ConfigMap of the pod's namespace; undefined when there is none. @throws {FairwayError} */
  configMap(name: string): Promise<DataObject | undefined> {
    return this.#get(CONFIG_MAPS, 'ConfigMap', name)
  }

  secret(name: string): Promise<DataObject | undefined> {
    return this.#get(SECRETS, 'Secret', name)
  }

  /** Lays every volume. @throws {VolumeError} for the first that cannot be had */
  async lay(): Promise<void> {
    for (const volume of this.#context.pod.spec?.volumes ?? []) {
      try {
        this.#paths.set(volume.name, await this.#layOne(volume))
      } catch (error) {
        throw new VolumeError(volume.name, error)
      }
    }
  }

  /** From now on changes of ConfigMaps and Secrets reach the volumes, until `release`. */
  follow(): void {
    const { followed, pod } = this.#context
    for (const volume of pod.spec?.volumes ?? []) {
      for (const source of sourcesOf(volume)) {
        const configMap = source.configMap?.name
        const name = configMap ?? source.secret?.secretName ?? source.secret?.name
        if (name === undefined) continue
        const resource = configMap === undefined ? SECRETS : CONFIG_MAPS
        const changed = ({ metadata }: DataObject): void => {
          if (metadata.resourceVersion !== this.#read.get(`${resource.plural}/${name}`)) this.#refresh(volume)
        }
        followed.follow({ resource, namespace: pod.metadata.namespace ?? '', name }, changed, this.#following.signal)
      }
    }
  }

  release(): void {
    this.#following.abort()
    this.#renewal.end()
  }

  /** What a container mounts. @throws {FairwayError} when a mount names a volume that the pod has not */
  async binds(container: Container, env: Readonly<Record<string, string>>): Promise<readonly Bind[]> {
    const binds: Bind[] = []
    for (const mount of container.volumeMounts ?? []) {
      const volume = this.#context.pod.spec?.volumes?.find(({ name }) => name === mount.name)
      const root = this.#paths.get(mount.name)
      if (volume === undefined || root === undefined)
        throw new FairwayError(POD_FIELD_UNSUPPORTED, `The pod has no volume "${mount.name}".`)
      const inner = mount.subPath ?? expand(mount.subPathExpr ?? '', env)
      const outside = join(root, inner)
      if (volume.emptyDir !== undefined && inner !== '') await mkdir(outside, { recursive: true })
      const readOnly = mount.readOnly === true || volume.emptyDir === undefined
      binds.push({ outside: await realpath(outside), inside: mount.mountPath, readOnly })
    }
    return binds
  }

  #renew(name: string): void {
    const volume = this.#context.pod.spec?.volumes?.find((each) => each.name === name)
    if (volume !== undefined) this.#refresh(volume)
  }

  #refresh(volume: Volume): void {
    this.#writing = this.#writing
      .then(async () => {
        if (!this.#following.signal.aborted) await this.#layOne(volume)
      })
      .catch((err: unknown) => {
        logger('kubelet').warn({ err, volume: volume.name }, 'a volume could not be brought up to date')
        this.#renewal.refused(volume.name)
      })
  }

  async #layOne(volume: Volume): Promise<string> {
    const path = join(this.#context.dir, volume.name)
    if (volume.hostPath !== undefined) return (volume.hostPath as { path: string }).path
    if (volume.emptyDir !== undefined) {
      await mkdir(path, { recursive: true })
      await chmod(path, 0o777)
      return path
    }
    const sources = sourcesOf(volume)
    if (sources.length === 0 && volume.projected === undefined) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'nothing'
      throw new FairwayError(POD_FIELD_UNSUPPORTED, `The lab has no volumes of the kind ${kind}.`, { field: 'spec.volumes' })
    }
    const { pod, place } = this.#context
    const mode = (volume[sourceKind(volume)] as { defaultMode?: number } | undefined)?.defaultMode ?? DEFAULT_MODE
    let expiresAtInMs = Number.POSITIVE_INFINITY
    const world: ProjectionWorld = {
      pod,
      place,
      configMap: (name) => this.configMap(name),
      secret: (name) => this.secret(name),
      token: async (source) => {
        const { token = '', expirationTimestamp } = await this.#token(source)
        expiresAtInMs = Math.min(expiresAtInMs, Date.parse(expirationTimestamp ?? '') || Number.POSITIVE_INFINITY)
        return token
      },
    }
    await writeAtomicDir(path, await project(sources, mode, world))
    if (Number.isFinite(expiresAtInMs)) this.#renewal.granted(volume.name, expiresAtInMs)
    return path
  }

  async #get(resource: Resource<DataObject>, kind: string, name: string): Promise<DataObject | undefined> {
    const { client, pod } = this.#context
    try {
      const object = await client.get(resource, { namespace: pod.metadata.namespace, name })
      this.#read.set(`${resource.plural}/${name}`, object.metadata.resourceVersion ?? '')
      return { ...object, kind }
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async #token(source: NonNullable<ProjectionSource['serviceAccountToken']>): Promise<Grant> {
    const { client, pod } = this.#context
    const account = pod.spec?.serviceAccountName ?? 'default'
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/serviceaccounts/${account}/token`
    const spec = {
      audiences: source.audience === undefined ? [] : [source.audience],
      expirationSeconds: source.expirationSeconds ?? 3600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
    }
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec }
    const answer = await client.request<{ status?: Grant }>('POST', path, { body })
    return answer.status ?? {}
  }
}

function sourceKind(volume: Volume): string {
  return ['projected', 'configMap', 'secret', 'downwardAPI'].find((kind) => volume[kind] !== undefined) ?? ''
}

function sourcesOf(volume: Volume): readonly ProjectionSource[] {
  const kind = sourceKind(volume)
  if (kind === 'projected') return (volume.projected as { sources?: readonly ProjectionSource[] }).sources ?? []
  return kind === '' ? [] : [{ [kind]: volume[kind] }]
}
