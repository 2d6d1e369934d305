import type { FieldError, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { address } from '../check-address.ts'
import { resourceErrors } from './container-resources.ts'
import { environmentErrors } from './environment.ts'
import { hookErrors, probeErrors } from './probe.ts'
import { type Container, type ContainerPort, containersOf, type PodSpec, specOf, type Toleration, type Volume } from './types.ts'
import { podUpdateErrors } from './validate-update.ts'

type FieldErrors = check.FieldErrors

/** What is wrong with a Pod. Source: kubernetes pkg/apis/core/validation, ValidatePodCreate and ValidatePodUpdate. */
export function validatePod(pod: RawObject, old: RawObject | undefined, subresource: string): FieldErrors {
  if (subresource !== '') return [] // a binding sets what an update may not
  const spec = specOf(pod)
  return old === undefined ? podSpecErrors(spec, true) : [...podUpdateErrors(spec, specOf(old)), ...podSpecErrors(spec, true)]
}

/** What is wrong with a pod's spec, or (`isPod` false) with the spec of a template, whose host ports may still be unset. */
export function podSpecErrors(spec: PodSpec, isPod: boolean): FieldErrors {
  const volumes = new Set((spec.volumes ?? []).flatMap((volume) => volume.name ?? []))
  const containers = containersOf(spec)
  return [
    ...(spec.volumes ?? []).flatMap((volume, index) => volumeErrors(volume, `spec.volumes[${index}]`)),
    ...check.uniqueBy(
      spec.volumes ?? [],
      (volume) => volume.name,
      (volume, index) => check.duplicate(`spec.volumes[${index}].name`, volume.name),
    ),
    ...(spec.containers?.length ? [] : [check.required('spec.containers')]),
    ...containers.flatMap(([path, container]) => containerErrors(path, container, volumes)),
    ...check.uniqueBy(
      containers,
      ([, container]) => container.name,
      ([path, container]) => check.duplicate(`${path}.name`, container.name),
    ),
    ...(spec.hostNetwork ? hostNetworkErrors(spec, isPod) : []),
    ...hostPortClashes(spec),
    ...check.requiredOneOf('spec.restartPolicy', spec.restartPolicy, ['Always', 'Never', 'OnFailure']),
    ...check.requiredOneOf('spec.dnsPolicy', spec.dnsPolicy, ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
    ...check.notNegative('spec.terminationGracePeriodSeconds', spec.terminationGracePeriodSeconds),
    ...(spec.activeDeadlineSeconds === undefined
      ? []
      : check.inRange('spec.activeDeadlineSeconds', spec.activeDeadlineSeconds, 1, 2 ** 31 - 1)),
    ...check.labels('spec.nodeSelector', spec.nodeSelector),
    ...named('spec.serviceAccountName', spec.serviceAccountName, check.dnsSubdomain),
    ...named('spec.nodeName', spec.nodeName, check.dnsSubdomain),
    ...named('spec.hostname', spec.hostname, check.dnsLabel),
    ...named('spec.subdomain', spec.subdomain, check.dnsLabel),
    ...(spec.tolerations ?? []).flatMap((toleration, index) => tolerationErrors(toleration, `spec.tolerations[${index}]`)),
    ...(spec.hostAliases ?? []).flatMap((alias, index) => address(`spec.hostAliases[${index}].ip`, alias.ip ?? '')),
    ...(spec.readinessGates ?? []).flatMap((gate, index) =>
      check.qualifiedName(`spec.readinessGates[${index}].conditionType`, gate.conditionType ?? ''),
    ),
  ]
}

const named = (field: string, value: string | undefined, rule: (field: string, value: string) => FieldErrors): FieldErrors =>
  value === undefined || value === '' ? [] : rule(field, value)

function containerErrors(path: string, container: Container, volumes: ReadonlySet<string>): FieldErrors {
  const image = container.image ?? ''
  const imageErrors =
    image === ''
      ? [check.required(`${path}.image`)]
      : image === image.trim()
        ? []
        : [check.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace')]
  return [
    ...(check.unset(container.name) ? [check.required(`${path}.name`)] : check.dnsLabel(`${path}.name`, container.name)),
    ...imageErrors,
    ...(container.ports ?? []).flatMap((port, index) => portErrors(port, `${path}.ports[${index}]`)),
    ...check.uniqueBy(
      container.ports ?? [],
      (port) => port.name || undefined,
      (port, index) => check.duplicate(`${path}.ports[${index}].name`, port.name),
    ),
    ...environmentErrors(path, container),
    ...check.requiredOneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...mountErrors(path, container, volumes),
    ...(['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((name) =>
      probeErrors(`${path}.${name}`, name, container[name]),
    ),
    ...(['postStart', 'preStop'] as const).flatMap((name) => {
      const hook = container.lifecycle?.[name]
      return hook === undefined ? [] : hookErrors(`${path}.lifecycle.${name}`, hook)
    }),
    ...resourceErrors(`${path}.resources`, container.resources ?? {}),
  ]
}

function portErrors(port: ContainerPort, path: string): FieldErrors {
  return [
    ...(check.unset(port.name) ? [] : check.portName(`${path}.name`, port.name ?? '')),
    ...(check.unset(port.containerPort)
      ? [check.required(`${path}.containerPort`)]
      : check.portNumber(`${path}.containerPort`, port.containerPort)),
    ...(check.unset(port.hostPort) ? [] : check.portNumber(`${path}.hostPort`, port.hostPort)),
    ...(check.unset(port.hostIP) ? [] : address(`${path}.hostIP`, port.hostIP)),
    ...check.requiredOneOf(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']),
  ]
}

function mountErrors(path: string, container: Container, volumes: ReadonlySet<string>): FieldErrors {
  const mounts = container.volumeMounts ?? []
  const each = mounts.flatMap(({ name, mountPath }, index): FieldError[] => {
    const at = `${path}.volumeMounts[${index}]`
    return [
      ...(check.unset(name) ? [check.required(`${at}.name`)] : volumes.has(name ?? '') ? [] : [notFound(`${at}.name`, name)]),
      ...(check.unset(mountPath) ? [check.required(`${at}.mountPath`)] : []),
    ]
  })
  const unique = check.uniqueBy(
    mounts,
    (mount) => mount.mountPath,
    (mount, index) => check.invalid(`${path}.volumeMounts[${index}].mountPath`, mount.mountPath, 'must be unique'),
  )
  return [...each, ...unique]
}

const notFound = (field: string, value: unknown): FieldError => ({ type: 'NotFound', field, value })

function hostNetworkErrors(spec: PodSpec, isPod: boolean): FieldErrors {
  return containersOf(spec).flatMap(([path, container]) =>
    (container.ports ?? []).flatMap(({ hostPort = 0, containerPort = 0 }, index) =>
      (isPod || hostPort !== 0) && hostPort !== containerPort
        ? [check.invalid(`${path}.ports[${index}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true')]
        : [],
    ),
  )
}

/** Containers of a pod share its addresses, so a host port is one container's. */
function hostPortClashes(spec: PodSpec): FieldErrors {
  const key = (port: ContainerPort): string => `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`
  const ports = (spec.containers ?? []).flatMap((container, at) =>
    (container.ports ?? []).flatMap((port, index) =>
      check.unset(port.hostPort) ? [] : [{ key: key(port), path: `spec.containers[${at}].ports[${index}].hostPort` }],
    ),
  )
  return check.uniqueBy(
    ports,
    (port) => port.key,
    (port) => check.duplicate(port.path, port.key),
  )
}

function volumeErrors(volume: Volume, path: string): FieldErrors {
  const sources = Object.keys(volume).filter((key) => key !== 'name' && volume[key] !== undefined)
  const one =
    sources.length === 0
      ? [check.required(path, 'must specify a volume type')]
      : sources.slice(1).map((source) => check.forbidden(`${path}.${source}`, 'may not specify more than 1 volume type'))
  return [...(check.unset(volume.name) ? [check.required(`${path}.name`)] : check.dnsLabel(`${path}.name`, volume.name)), ...one]
}

function tolerationErrors(toleration: Toleration, path: string): FieldErrors {
  const { key = '', operator = 'Equal', value = '', effect } = toleration
  const errors: FieldError[] = key === '' ? [] : [...check.qualifiedName(`${path}.key`, key)]
  if (key === '' && operator !== 'Exists')
    errors.push(
      check.invalid(
        `${path}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    )
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute')
    errors.push(check.invalid(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"))
  if (operator === 'Exists' && value !== '')
    errors.push(check.invalid(`${path}.operator`, operator, "value must be empty when `operator` is 'Exists'"))
  return [
    ...errors,
    ...check.oneOf(`${path}.operator`, operator, ['Equal', 'Exists']),
    ...check.oneOf(`${path}.effect`, effect, ['NoExecute', 'NoSchedule', 'PreferNoSchedule']),
  ]
}
