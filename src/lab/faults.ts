/** The faults that users put into a lab: nodes without power, hosts without their wire, pairs of hosts that do not hear each other. Pure. */
import type { Topology } from './topology.ts'

/** What is broken on purpose, by host names, each list sorted; kept in lab.json, so that it outlives the lab's processes. */
export interface Faults {
  readonly stopped: readonly string[]
  /** Hosts whose wire to the switch is cut. */
  readonly cut: readonly string[]
  /** Hosts between which the switch drops everything; each pair is sorted. */
  readonly pairs: readonly (readonly [string, string])[]
}

export const NO_FAULTS: Faults = { stopped: [], cut: [], pairs: [] }

/** `cut` is that of the host's own wire; a host that only lacks some peers is `up`. */
export type HostState = 'up' | 'stopped' | 'cut'

export function setStopped(faults: Faults, host: string, stopped: boolean): Faults {
  return { ...faults, stopped: toggled(faults.stopped, host, stopped) }
}

export function setCut(faults: Faults, host: string, cut: boolean): Faults {
  return { ...faults, cut: toggled(faults.cut, host, cut) }
}

/** The order of the two does not count. */
export function setPairCut(faults: Faults, hosts: readonly [string, string], cut: boolean): Faults {
  const words = faults.pairs.map((pair) => pair.join(' '))
  const pairs = toggled(words, hosts.toSorted().join(' '), cut).map((text): readonly [string, string] => {
    const [one = '', other = ''] = text.split(' ')
    return [one, other]
  })
  return { ...faults, pairs }
}

export function hostState(faults: Faults, host: string): HostState {
  if (faults.stopped.includes(host)) return 'stopped'
  return faults.cut.includes(host) ? 'cut' : 'up'
}

/** The hosts that one cannot talk to although both are up. */
export function peersCutFrom(faults: Faults, host: string): readonly string[] {
  return faults.pairs.filter((pair) => pair.includes(host)).map(([one, other]) => (one === host ? other : one))
}

export interface FaultyTopology {
  readonly topology: Topology
  readonly faults: Faults
}

/** The hosts whose processes can be ready: those that have power and reach the API server. */
export function hostsThatCanServe({ topology, faults }: FaultyTopology): ReadonlySet<string> {
  const center = topology.nodes.find(({ controlPlane }) => controlPlane)?.name ?? ''
  if (faults.stopped.includes(center)) return new Set()
  const reaches = (host: string) =>
    hostState(faults, host) === 'up' && hostState(faults, center) === 'up' && !peersCutFrom(faults, host).includes(center)
  const names = topology.nodes.map(({ name }) => name)
  return new Set(names.filter((name) => name === center || reaches(name)))
}

/** The hosts whose processes are waited for: nodes that can serve, and routers, which need nobody. */
export function hostsWithProcesses(state: FaultyTopology): ReadonlySet<string> {
  return new Set([...hostsThatCanServe(state), ...state.topology.routers.map(({ name }) => name)])
}

/** `what` is `optiplex-1 is stopped`, and `remedy` is `node start optiplex-1`, the command that ends it. */
export interface DescribedFault {
  readonly what: string
  readonly remedy: string
  readonly hosts: readonly string[]
}

/** A phrase for each fault. */
export function describeFaults(faults: Faults): readonly DescribedFault[] {
  return [
    ...faults.stopped.map((host) => ({ what: `${host} is stopped`, remedy: `node start ${host}`, hosts: [host] })),
    ...faults.cut.map((host) => ({ what: `${host} is cut off`, remedy: `link heal ${host}`, hosts: [host] })),
    ...faults.pairs.map(([one, other]) => ({
      what: `${one} and ${other} do not hear each other`,
      remedy: `link heal ${one} ${other}`,
      hosts: [one, other],
    })),
  ]
}

function toggled(names: readonly string[], name: string, present: boolean): readonly string[] {
  const others = names.filter((each) => each !== name)
  return present ? [...others, name].toSorted() : others
}
