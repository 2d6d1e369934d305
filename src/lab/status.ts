/** What is true of a lab now: hosts, processes, nodes, and what is wrong with them. */
import { bootId, isAlive } from '../linux/process.ts'
import { FairwayError, type Finding } from '../model/code.ts'
import { LAB_API_UNREACHABLE, LAB_NODE_NOT_READY, LAB_NOT_RUNNING, LAB_PROCESS_DOWN } from '../model/codes/lab.ts'
import { checkLabName, hostsOf } from './names.ts'
import { isReady, labNodes } from './ready.ts'
import { kubeconfigPath, type LabProcess, type LabState, readLabState, readProcesses } from './state.ts'
import type { LabHost } from './topology.ts'

export interface HostStatus {
  readonly name: string
  readonly role: LabHost['role']
  readonly ipv4: string
  readonly ipv6: string
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
  const findings = processes.filter(({ phase }) => phase !== 'ready').map(processDown)
  const nodes = new Map<string, boolean>()
  try {
    for (const node of await labNodes(name)) nodes.set(node.metadata.name ?? '', isReady(node))
    const lacking = state.topology.nodes.filter((node) => nodes.get(node.name) !== true)
    findings.push(...lacking.map((node) => nodeNotReady(node.name, nodes.has(node.name))))
  } catch (error) {
    if (!(error instanceof FairwayError)) throw error
    findings.push({ code: LAB_API_UNREACHABLE, subjects: ['process//lab-apiserver'], message: error.message, fix: error.fix })
  }
  return {
    version: 1,
    name,
    api: `https://127.0.0.1:${state.apiPort}`,
    kubeconfig: kubeconfigPath(name, 'admin'),
    hosts: hostsOf(state.topology).map((host) => hostStatus(host, nodes)),
    processes,
    findings,
  }
}

function hostStatus({ name, role, ipv4, ipv6 }: LabHost, nodes: ReadonlyMap<string, boolean>): HostStatus {
  const ready = nodes.get(name)
  return { name, role, ipv4, ipv6, ...(ready === undefined ? {} : { ready }) }
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
  return { ...rest, phase: supervisorLives ? 'waiting' : 'stopped' }
}

function processDown({ name, phase, lastExit }: LabProcess): Finding {
  const states = { starting: 'is starting', waiting: 'ended and is started again soon', stopped: 'does not run', ready: 'runs' }
  const how = lastExit === '' ? '' : ` (${lastExit})`
  const fix =
    phase === 'stopped' ? 'Start again what is gone with `fairway lab up`.' : `Read its log with \`fairway lab logs ${name}\`.`
  return { code: LAB_PROCESS_DOWN, subjects: [`process//${name}`], message: `${name} ${states[phase]}${how}.`, fix }
}

function nodeNotReady(node: string, known: boolean): Finding {
  const message = known ? `The node ${node} is not Ready.` : `The API has no node ${node}.`
  return {
    code: LAB_NODE_NOT_READY,
    subjects: [`node//${node}`],
    message,
    fix: `Read its kubelet's log with \`fairway lab logs lab-kubelet-${node}\`.`,
  }
}
