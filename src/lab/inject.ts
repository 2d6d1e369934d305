/** Makes and ends faults of a running lab. Each is written down before it is made, so that a killed command can be run again. */
import { FairwayError } from '../model/code.ts'
import { LAB_HOST_UNKNOWN, LAB_NOT_RUNNING } from '../model/codes/lab.ts'
import { type Faults, setCut, setPairCut, setStopped } from './faults.ts'
import { closeLabLock, lockLab } from './lab-lock.ts'
import { hostNamed } from './names.ts'
import { checkMachine } from './preflight.ts'
import { untilReady } from './ready.ts'
import { type LabState, labPaths, writeLabState } from './state.ts'
import { requireLab } from './status.ts'
import { liveSupervisor } from './supervised.ts'
import { tellSupervisor } from './supervisor/control.ts'
import type { Topology } from './topology.ts'
import { applyLinkFaults, powerOff, powerOn, silence } from './wires/faults.ts'
import { wiresStand } from './wires/lay.ts'
import { portsBetween } from './wires/wiring.ts'

/** `changed`: false when it was so already. */
export interface FaultResult {
  readonly changed: boolean
  readonly state: LabState
}

const TELL_TIMEOUT_IN_MS = 5_000

/** Powers a node off: its processes and pods are gone at once and without a word, and it answers nothing. @throws {FairwayError} */
export function stopNode(lab: string, node: string): Promise<FaultResult> {
  return inject(lab, async (state) => {
    const { name } = nodeNamed(state.topology, node)
    const next = await record(state, setStopped(state.faults, name, true))
    await silence(lab, name)
    await tell(lab, `halt ${name}`)
    await powerOff(lab, name)
    return next
  })
}

/** Boots a node that was stopped, and waits until it is Ready if it can be. @throws {FairwayError} LAB_START_TIMEOUT, ... */
export function startNode(lab: string, node: string, timeoutInMs: number): Promise<FaultResult> {
  return inject(lab, async (state) => {
    const { name } = nodeNamed(state.topology, node)
    const faults = setStopped(state.faults, name, false)
    if (state.faults.stopped.includes(name)) await powerOn(lab, state.topology, name)
    await applyLinkFaults(lab, state.topology, faults)
    const next = await record(state, faults)
    await tell(lab, `boot ${name}`)
    await untilReady(next, timeoutInMs)
    return next
  })
}

/** Cuts or heals the wire of a node. @throws {FairwayError} LAB_HOST_UNKNOWN for what is no node */
export async function cutNode(lab: string, node: string, cut: boolean): Promise<FaultResult> {
  nodeNamed(requireLab(lab).topology, node)
  return cutLink(lab, [node], cut)
}

/** Cuts or heals one host's wire to the switch, or, for two hosts, what goes between them alone. @throws {FairwayError} */
export function cutLink(lab: string, hosts: readonly [string] | readonly [string, string], cut: boolean): Promise<FaultResult> {
  return inject(lab, async (state) => {
    const [one, other] = hosts.map((host) => hostNamed(state.topology, host).name)
    if (one === undefined || one === other) throw sameHost(one ?? '')
    if (other !== undefined && portsBetween(state.topology, [one, other]).length === 0) throw noWireBetween(one, other)
    const faults = other === undefined ? setCut(state.faults, one, cut) : setPairCut(state.faults, [one, other], cut)
    const next = await record(state, faults)
    await applyLinkFaults(lab, state.topology, faults)
    return next
  })
}

async function inject(lab: string, act: (state: LabState) => Promise<LabState>): Promise<FaultResult> {
  checkMachine()
  requireLab(lab)
  const lock = await lockLab(lab)
  try {
    const before = runningLab(lab)
    const state = await act(before)
    return { changed: JSON.stringify(before.faults) !== JSON.stringify(state.faults), state }
  } finally {
    closeLabLock(lab, lock)
  }
}

/** A node that a killed command left half powered off counts as running: the same command mends it. */
function runningLab(lab: string): LabState {
  const state = requireLab(lab)
  const nodes = state.topology.nodes.map(({ name }) => name)
  if (liveSupervisor(lab) !== undefined && wiresStand(lab, state.topology, nodes)) return state
  throw new FairwayError(LAB_NOT_RUNNING, `The lab ${lab} is not running.`, {
    fix: `\`fairway lab up --name ${lab}\` makes it whole again.`,
  })
}

async function record(state: LabState, faults: Faults): Promise<LabState> {
  return writeLabState({ ...state, faults })
}

async function tell(lab: string, words: string): Promise<void> {
  await tellSupervisor(labPaths(lab).control, words, AbortSignal.timeout(TELL_TIMEOUT_IN_MS))
}

function nodeNamed(topology: Topology, name: string): { readonly name: string } {
  const host = hostNamed(topology, name)
  if (host.role === 'node') return host
  throw new FairwayError(LAB_HOST_UNKNOWN, `${name} is a ${host.role} and no node.`, {
    field: 'NODE',
    fix: `Use one of: ${topology.nodes.map((node) => node.name).join(', ')}; \`fairway lab link cut\` takes any host.`,
  })
}

function noWireBetween(host: string, peer: string): FairwayError {
  return new FairwayError(LAB_HOST_UNKNOWN, `There is no wire between ${host} and ${peer}: others are on the way.`, {
    field: 'PEER',
    fix: 'Name two hosts that are on one link, or one alone to cut its wires.',
  })
}

function sameHost(host: string): FairwayError {
  return new FairwayError(LAB_HOST_UNKNOWN, `${host} cannot be cut off from itself.`, {
    field: 'PEER',
    fix: 'Name two different hosts, or one alone to cut its wire to the switch.',
  })
}
