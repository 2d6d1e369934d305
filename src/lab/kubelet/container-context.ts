/** What a container needs of its pod and node. */
import type { EventType } from '../../kube/events.ts'
import type { Container, ContainerStatus, Pod } from '../../kube/types.ts'
import type { Catalogue } from '../images/catalogue.ts'
import type { Times } from '../topology.ts'
import type { PodPlace } from './container-env.ts'
import type { PodLimits } from './limit/pod-limits.ts'
import type { ServiceLinks } from './service-env.ts'
import type { PodVolumes } from './volume/pod-volumes.ts'

export interface ContainerContext {
  readonly pod: Pod
  readonly container: Container
  /** Always, OnFailure, Never. */
  readonly restartPolicy: string
  readonly place: PodPlace
  /** '' for the node's own network. */
  readonly netns: string
  /** The pod's directory. */
  readonly dir: string
  readonly catalogue: Catalogue
  readonly volumes: PodVolumes
  readonly limits: PodLimits
  readonly times: Times
  readonly serviceLinks: ServiceLinks
  /** The container's status in an earlier life of this kubelet. */
  readonly before: ContainerStatus | undefined
  /** Tells an Event about this container. */
  tell(type: EventType, reason: string, message: string): void
  /** The status changed. */
  changed(): void
}
