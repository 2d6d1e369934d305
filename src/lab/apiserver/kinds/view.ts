import type { RawObject } from '../kind.ts'

/**
 * What a record may see of other objects, for rules that span kinds (default classes, disruption budgets).
 *
 * Shape: `resource` is the plural with its group, `pods` or `ingressclasses.networking.k8s.io`; all namespaces when none is named.
 * The objects must not be changed.
 */
export type View = (resource: string, namespace?: string) => readonly RawObject[]

/** Sees nothing; for records on their own. */
export const NOTHING: View = () => []
