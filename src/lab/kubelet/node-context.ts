/** What all pods of a node share. */
import type { KubeClient } from '../../kube/client.ts'
import type { EventRecorder } from '../../kube/events.ts'
import type { Catalogue } from '../images/catalogue.ts'
import type { Times } from '../topology.ts'
import type { AddressBook } from './address-book.ts'
import type { Hierarchy } from './limit/hierarchy.ts'
import type { NodeAmounts } from './limit/resource-field.ts'
import type { ServiceLinks } from './service-env.ts'
import type { FollowedData } from './volume/followed-data.ts'

export interface NodeContext {
  readonly lab: string
  readonly node: string
  readonly nodeAddresses: readonly string[]
  readonly dir: string
  readonly client: KubeClient
  readonly recorder: EventRecorder
  readonly catalogue: Catalogue
  readonly addresses: AddressBook
  readonly hierarchies: readonly Hierarchy[]
  readonly amounts: NodeAmounts
  readonly times: Times
  readonly followed: FollowedData
  readonly serviceLinks: ServiceLinks
  /** The runner itself ends: nothing more is reported. */
  readonly signal: AbortSignal
}
