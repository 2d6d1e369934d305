/** The templates that a DaemonSet had, as ControllerRevisions. Source: pkg/controller/daemon/update.go, constructHistory. */
import type { ControllerRevision, DaemonSet } from '../../../kube/apps.ts'
import type { Pod } from '../../../kube/types.ts'
import { controllerReference } from './ownership.ts'
import { templateHash } from './revision.ts'

export const REVISION_LABEL = 'controller-revision-hash'
const HISTORY_LIMIT = 10

export interface RevisionPlan {
  readonly create: readonly ControllerRevision[]
  readonly update: readonly ControllerRevision[]
  readonly remove: readonly ControllerRevision[]
}

export function revisionHash(set: DaemonSet): string {
  return templateHash(set.spec?.template, undefined)
}

/**
 * Decides on the revisions of a set: its template has one, the newest; of the others as many stay as the set wants to remember, and
 * those that pods are still of.
 */
export function planRevisions(set: DaemonSet, revisions: readonly ControllerRevision[], pods: readonly Pod[]): RevisionPlan {
  if (set.metadata.deletionTimestamp !== undefined) return { create: [], update: [], remove: [] }
  const hash = revisionHash(set)
  const ranked = revisions.toSorted((a, b) => a.revision - b.revision)
  const present = ranked.findLast((each) => hashOf(each) === hash)
  const others = ranked.filter((each) => each !== present)
  const next = (others.at(-1)?.revision ?? 0) + 1
  const inUse = new Set(pods.map(({ metadata }) => metadata.labels?.[REVISION_LABEL]))
  const forgettable = others.filter((each) => !inUse.has(hashOf(each)))
  const excess = Math.max(0, others.length - (set.spec?.revisionHistoryLimit ?? HISTORY_LIMIT))
  return {
    create: present === undefined ? [newRevision(set, hash, next)] : [],
    update: present !== undefined && present.revision < next ? [{ ...present, revision: next }] : [],
    remove: forgettable.slice(0, excess),
  }
}

function hashOf({ metadata }: ControllerRevision): string | undefined {
  return metadata.labels?.[REVISION_LABEL]
}

/** Its data are the patch that brings the template back, which `kubectl rollout undo` sends as it is. */
function newRevision(set: DaemonSet, hash: string, revision: number): ControllerRevision {
  const { name, namespace, annotations } = set.metadata
  const template = set.spec?.template
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...template?.metadata?.labels, [REVISION_LABEL]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(set)],
    },
    data: { spec: { template: { ...template, $patch: 'replace' } } },
    revision,
  }
}
