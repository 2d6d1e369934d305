import type { FieldError } from '../../kind.ts'
import { type FieldErrors, forbidden, sameJson } from '../check.ts'
import type { PodSpec, Toleration } from './types.ts'

const ONLY =
  'pod updates may not change fields other than ' +
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,' +
  '`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** A running pod is what it is: only images, the deadline and more tolerations may be written. */
export function podUpdateErrors(spec: PodSpec, before: PodSpec): FieldErrors {
  for (const list of ['containers', 'initContainers'] as const)
    if ((spec[list] ?? []).length !== (before[list] ?? []).length)
      return [forbidden(`spec.${list}`, 'pod updates may not add or remove containers')]
  const errors: FieldError[] = []
  if (!keepsTolerations(spec.tolerations ?? [], before.tolerations ?? []))
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
  const differing = Object.keys({ ...fixed(spec), ...fixed(before) }).filter(
    (field) => !sameJson(fixed(spec)[field], fixed(before)[field]),
  )
  if (differing.length > 0) errors.push(forbidden('spec', `${ONLY}\n${differing.map((field) => `spec.${field}`).join(', ')}`))
  return errors
}

/** The spec without what may change. */
function fixed(spec: PodSpec): Record<string, unknown> {
  const { activeDeadlineSeconds, tolerations, ...rest } = spec
  const imageless = (list: PodSpec['containers']): unknown => list?.map(({ image, ...container }) => container)
  return { ...rest, containers: imageless(spec.containers), initContainers: imageless(spec.initContainers) }
}

function keepsTolerations(after: readonly Toleration[], before: readonly Toleration[]): boolean {
  const timeless = ({ tolerationSeconds, ...toleration }: Toleration): unknown => toleration
  return before.every((old) => after.some((toleration) => sameJson(timeless(toleration), timeless(old))))
}
