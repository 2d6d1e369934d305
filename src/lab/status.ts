/** What is true of a lab now: hosts, processes, nodes, and what is wrong with them. */
import { bootId, isAlive } from '../linux/process.ts'
import { FairwayError, type Finding } from '../model/code.ts'
import { LAB_API_UNREACHABLE, LAB_NODE_NOT_READY, LAB_NOT_RUNNING, LAB_PROCESS_DOWN } from '../model/codes/lab.ts'
import {
  type DescribedFault,
  describeFaults,
  type Faults,
  type HostState,
  hostState,
  hostsWithProcesses,
  peersCutFrom,
} from './faults.ts'
import { controlPlane } from './kubeconfig.ts'
import { checkLabName, hostsOf } from './names.ts'
import { isReady, labNodes } from './ready.ts'
import { kubeconfigPath, type LabProcess, type LabState, readLabState, readProcesses } from './state.ts'
import type { LabHost } from './topology.ts'

export interface HostStatus {
  readonly name: string
  readonly role: LabHost['role']
  /** Absent in a lab without that family. */
  readonly ipv4?: string
  readonly ipv6?: string
  /** What was done to it on purpose: no power, or no wire. */
  readonly state: HostState
  /** The hosts that it does not hear, on purpose, although both are up. */
  readonly cutFrom: readonly string[]
  /** Nodes only: whether the API has it Ready; undefined when the API did not say. */
  readonly ready?: boolean
}

/** Shape: hosts as the topology has them, the supervisor first among the processes; `findings` is empty in a healthy lab. */
export interface LabStatus {
  readonly version: 1
  readonly name: string
  readonly api: string
  readonly kubeconfig: string
  readonly hosts: readonly HostStatus[]
  readonly processes: readonly LabProcess[]
  readonly findings: readonly Finding[]
}

/** The lab of that name. @throws {FairwayError} LAB_NAME_INVALID, LAB_NOT_RUNNING */
export function requireLab(name: string): LabState {
  const state = readLabState(checkLabName(name))
  if (state !== undefined) return state
  const option = name === 'lab' ? '' : ` --name ${name}`
  throw new FairwayError(LAB_NOT_RUNNING, `There is no lab ${name} on this machine.`, {
    fix: `Start it with \`fairway lab up${option}\`.`,
  })
}

/** @throws {FairwayError} LAB_NOT_RUNNING; everything else that is wrong is a finding */
export async function labStatus(name: string): Promise<LabStatus> {
  const state = requireLab(name)
  const processes = labProcesses(name)
  const canRun = hostsWithProcesses(state)
  const due = processes.filter(({ host }) => host === '' || canRun.has(host))
  const findings = due.filter(({ phase }) => phase !== 'ready').map(processDown)
  const nodes = new Map<string, boolean>()
  try {
    for (const node of await labNodes(name)) nodes.set(node.metadata.name ?? '', isReady(node))
    const lacking = state.topology.nodes.filter((node) => nodes.get(node.name) !== true)
    findings.push(...lacking.map((node) => nodeNotReady(state, node.name, nodes.has(node.name))))
  } catch (error) {
    if (!(error instanceof FairwayError)) throw error
    findings.push(apiUnreachable(state, error))
  }
  return {
    version: 1,
    name,
    api: `https://127.0.0.1:${state.apiPort}`,
    kubeconfig: kubeconfigPath(name, 'admin'),
    hosts: hostsOf(state.topology).map((host) => hostStatus(state.faults, host, nodes)),
    processes,
    findings,
  }
}

function hostStatus(faults: Faults, host: LabHost, nodes: ReadonlyMap<string, boolean>): HostStatus {
  const { name, role, ipv4, ipv6 } = host
  const ready = nodes.get(name)
  const addresses = { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) }
  const state = { state: hostState(faults, name), cutFrom: peersCutFrom(faults, name) }
  return { name, role, ...addresses, ...state, ...(ready === undefined ? {} : { ready }) }
}

/** As recorded, but never more alive than the processes really are: the supervisor may be dead and its record old. */
export function labProcesses(name: string): readonly LabProcess[] {
  const recorded = readProcesses(name)
  const sameBoot = recorded?.bootId === bootId()
  const supervisorLives = recorded !== undefined && sameBoot && isAlive(recorded.supervisor)
  const supervisor: LabProcess = {
    name: 'lab-supervisor',
    role: 'lab-supervisor',
    host: '',
    phase: supervisorLives ? 'ready' : 'stopped',
    startedAtInMs: recorded?.startedAtInMs ?? 0,
    restarts: 0,
    lastExit: '',
    ...(supervisorLives ? { identity: recorded.supervisor } : {}),
  }
  return [supervisor, ...(recorded?.processes ?? []).map((one) => checked(one, supervisorLives))]
}

function checked(recorded: LabProcess, supervisorLives: boolean): LabProcess {
  const { identity, ...rest } = recorded
  if (identity !== undefined && isAlive(identity)) return recorded
  return { ...rest, phase: supervisorLives && recorded.phase !== 'stopped' ? 'waiting' : 'stopped' }
}

function processDown({ name, phase, lastExit }: LabProcess): Finding {
  const states = { starting: 'is starting', waiting: 'ended and is started again soon', stopped: 'does not run', ready: 'runs' }
  const how = lastExit === '' ? '' : ` (${lastExit})`
  const fix =
    phase === 'stopped' ? 'Start again what is gone with `fairway lab up`.' : `Read its log with \`fairway lab logs ${name}\`.`
  return { code: LAB_PROCESS_DOWN, subjects: [`process//${name}`], message: `${name} ${states[phase]}${how}.`, fix }
}

function nodeNotReady(state: LabState, node: string, known: boolean): Finding {
  const message = known ? `The node ${node} is not Ready` : `The API has no node ${node}`
  const faults = faultsAround(state, node)
  const because = faults.length === 0 ? '' : `: ${faults.map(({ what }) => what).join('; ')}`
  const fix =
    faults.length === 0 ? `Read its kubelet's log with \`fairway lab logs lab-kubelet-${node}\`.` : remedyOf(state, faults)
  return { code: LAB_NODE_NOT_READY, subjects: [`node//${node}`], message: `${message}${because}.`, fix }
}

function apiUnreachable(state: LabState, error: FairwayError): Finding {
  const node = controlPlane(state).name
  const stopped = state.faults.stopped.includes(node)
  const fix = stopped ? remedyOf(state, faultsAround(state, node)) : error.fix
  const message = stopped ? `${error.message} (${node} is stopped)` : error.message
  return { code: LAB_API_UNREACHABLE, subjects: ['process//lab-apiserver'], message, fix }
}

/** The faults that can keep a node from the API server. */
function faultsAround(state: LabState, node: string): readonly DescribedFault[] {
  const parties = new Set([node, controlPlane(state).name])
  return describeFaults(state.faults).filter(({ hosts }) => hosts.every((host) => parties.has(host)))
}

function remedyOf(state: LabState, faults: readonly DescribedFault[]): string {
  const option = state.name === 'lab' ? '' : ` --name ${state.name}`
  return `End it with ${faults.map(({ remedy }) => `\`fairway lab ${remedy}${option}\``).join(' and ')}.`
}
