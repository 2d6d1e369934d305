import type { FieldError } from '../../kind.ts'
import * as check from '../check.ts'
import type { Handler, Probe } from './types.ts'

const PROBE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'] as const
const HOOK_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'sleep'] as const
type HandlerNames = readonly (keyof Handler)[]

/** What is wrong with a probe; a missing one is fine. */
export function probeErrors(
  path: string,
  name: 'livenessProbe' | 'readinessProbe' | 'startupProbe',
  probe: Probe | undefined,
): check.FieldErrors {
  if (probe === undefined) return []
  const counts = (
    ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const
  ).flatMap((field) => check.notNegative(`${path}.${field}`, probe[field]))
  const once =
    name !== 'readinessProbe' && (probe.successThreshold ?? 1) > 1
      ? [check.invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1')]
      : []
  return [...handlerErrors(path, probe, PROBE_HANDLERS), ...counts, ...once]
}

/** What is wrong with what is done after a start or before an end. */
export const hookErrors = (path: string, hook: Handler): check.FieldErrors => handlerErrors(path, hook, HOOK_HANDLERS)

function handlerErrors(path: string, handler: Handler, names: HandlerNames): check.FieldErrors {
  const present = names.filter((name) => handler[name] !== undefined)
  if (present.length === 0) return [check.required(path, 'must specify a handler type')]
  const more = present
    .slice(1)
    .map((name): FieldError => check.forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'))
  const { exec, httpGet, tcpSocket, grpc } = handler
  return [
    ...more,
    ...(exec !== undefined && (exec.command?.length ?? 0) === 0 ? [check.required(`${path}.exec.command`)] : []),
    ...(httpGet === undefined
      ? []
      : [
          ...check.portNumberOrName(`${path}.httpGet.port`, httpGet.port),
          ...check.requiredOneOf(`${path}.httpGet.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']),
        ]),
    ...(tcpSocket === undefined ? [] : check.portNumberOrName(`${path}.tcpSocket.port`, tcpSocket.port)),
    ...(grpc === undefined ? [] : check.portNumber(`${path}.grpc.port`, grpc.port)),
  ]
}
