/** The names of a lab's namespaces. All begin with `fw-NAME-`, and no name of one lab can be read as one of another. */
import { FairwayError } from '../model/code.ts'
import { LAB_HOST_UNKNOWN, LAB_NAME_INVALID } from '../model/codes/lab.ts'
import type { LabHost, Topology } from './topology.ts'

/** The host that holds the bridge; not one that a user can enter. */
export const SWITCH = 'switch'

/**
 * Checks the name of a lab.
 *
 * Shape:  a letter, then up to 11 letters, digits and dashes, all lower case; `pod` is no word of it, as `fw-a-pod-b-client`
 *         could otherwise be a pod of lab `a` or a host of lab `a-pod-b`.
 * @throws {FairwayError} LAB_NAME_INVALID
 */
export function checkLabName(name: string): string {
  if (/^[a-z][a-z0-9-]{0,11}$/.test(name) && !name.split('-').includes('pod')) return name
  throw new FairwayError(LAB_NAME_INVALID, `${JSON.stringify(name)} cannot be the name of a lab.`, { field: '--name' })
}

/** The namespace of one host of a lab. */
export function hostNamespace(lab: string, host: string): string {
  return `fw-${lab}-${host}`
}

/** What the namespaces of a lab's pods begin with. */
export function podNamespacePrefix(lab: string): string {
  return `fw-${lab}-pod-`
}

/** Every host of a topology that has an address, in the order in which it is listed to users. */
export function hostsOf(topology: Topology): readonly LabHost[] {
  return [...topology.clients, ...topology.nodes, ...topology.routers]
}

/** The namespaces that wiring makes, the switch first. */
export function hostNamespaces(lab: string, topology: Topology): readonly string[] {
  return [SWITCH, ...hostsOf(topology).map((host) => host.name)].map((host) => hostNamespace(lab, host))
}

/** @throws {FairwayError} LAB_HOST_UNKNOWN, with the hosts that there are */
export function hostNamed(topology: Topology, name: string): LabHost {
  const hosts = hostsOf(topology)
  const host = hosts.find((one) => one.name === name)
  if (host !== undefined) return host
  const names = hosts.map((one) => one.name).join(', ')
  throw new FairwayError(LAB_HOST_UNKNOWN, `The lab has no host ${JSON.stringify(name)}.`, {
    field: 'HOST',
    fix: `Use one of: ${names}.`,
  })
}
