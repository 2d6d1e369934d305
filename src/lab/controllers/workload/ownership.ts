/** Who controls an object, and which objects a controller takes or lets go. Source: pkg/controller/controller_ref_manager.go. */
import type { LabelSelector } from '../../../kube/apps.ts'
import type { KubeObject, OwnerReference } from '../../../kube/types.ts'
import { matchesLabels } from './label-selector.ts'

/** An object that carries its apiVersion and kind. */
export type Owner = KubeObject & { readonly spec?: { readonly selector?: LabelSelector } }

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true)
}

/** The reference that a controller puts on what it makes. */
export function controllerReference(owner: KubeObject): OwnerReference {
  const { apiVersion = '', kind = '', metadata } = owner
  return {
    apiVersion,
    kind,
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

export interface Claim<T> {
  /** Controlled by the owner, and meant by its selector. */
  readonly owned: readonly T[]
  /** Meant by the selector, and controlled by nobody. */
  readonly adopt: readonly T[]
  /** Controlled by the owner, and not meant by its selector any more. */
  readonly release: readonly T[]
}

/** Sorts the objects of the owner's namespace. An owner that is being deleted adopts nothing; what is being deleted changes no hands. */
export function claim<T extends KubeObject>(owner: Owner, objects: readonly T[]): Claim<T> {
  const owned: T[] = []
  const adopt: T[] = []
  const release: T[] = []
  const ownerGoes = owner.metadata.deletionTimestamp !== undefined
  for (const object of objects) {
    if (object.metadata.namespace !== owner.metadata.namespace) continue
    const controller = controllerOf(object)
    const goes = object.metadata.deletionTimestamp !== undefined
    const meant = matchesLabels(owner.spec?.selector, object.metadata.labels)
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue
      if (meant) owned.push(object)
      else if (!ownerGoes && !goes) release.push(object)
    } else if (meant && !ownerGoes && !goes) adopt.push(object)
  }
  return { owned, adopt, release }
}

/** A merge patch that makes the owner an object's controller; it fails when the object changed since. */
export function adoption(owner: KubeObject, object: KubeObject): object {
  const { uid, resourceVersion, ownerReferences = [] } = object.metadata
  return { metadata: { uid, resourceVersion, ownerReferences: [...ownerReferences, controllerReference(owner)] } }
}

/** A merge patch that takes the owner's reference away; it fails when the object changed since. */
export function releasing(owner: KubeObject, object: KubeObject): object {
  const { uid, resourceVersion, ownerReferences = [] } = object.metadata
  const others = ownerReferences.filter((each) => each.uid !== owner.metadata.uid)
  return { metadata: { uid, resourceVersion, ownerReferences: others.length === 0 ? null : others } }
}
