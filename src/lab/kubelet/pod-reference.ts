/** What an Event of a pod or of one of its containers is about. */
import type { ObjectReference, Pod } from '../../kube/types.ts'

/** `fieldPath` names a container: `spec.containers{NAME}`. */
export function podReference({ metadata }: Pod, fieldPath?: string): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    namespace,
    name,
    uid,
    resourceVersion,
    ...(fieldPath === undefined ? {} : { fieldPath }),
  }
}
