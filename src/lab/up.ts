/** Brings a lab up, whatever was left of it. */
import { writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { FileLock } from '../linux/file-lock.ts'
import { FairwayError } from '../model/code.ts'
import { LAB_NAMESPACE_FOREIGN, LAB_TOPOLOGY_DIFFERS } from '../model/codes/lab.ts'
import { withBgp } from './bgp-topology.ts'
import { applyDefinitions, shippedDefinitions } from './crds.ts'
import { NO_FAULTS } from './faults.ts'
import { writeKubeconfigs } from './kubeconfig.ts'
import { closeLabLock, lockLab, rememberNetnsDir } from './lab-lock.ts'
import { checkLabName, hostNamespaces, hostsOf } from './names.ts'
import { makeCertificates } from './pki.ts'
import { checkApiPort, checkKernel, checkMachine, checkPrograms, checkRouterPrograms } from './preflight.ts'
import { labClient, untilReady } from './ready.ts'
import { type LabState, labNames, labPaths, readLabState, recordedTopology, writeLabState } from './state.ts'
import { liveSupervisor, startSupervisor, stopSupervisor } from './supervised.ts'
import { addressesOf, DEFAULT_TOPOLOGY, type Times, type Topology, timesOf, withTimes } from './topology.ts'
import { applyLinkFaults } from './wires/faults.ts'
import { layWires, wiresStand } from './wires/lay.ts'
import { processesInside, standingNamespaces, sweepNamespaces } from './wires/sweep.ts'

export interface UpOptions {
  readonly name: string
  /** The program that runs the roles. */
  readonly entry: string
  /** 0 or absent: the one that the lab had, or any free one. */
  readonly apiPort?: number
  readonly topology?: Topology
  /** Absent: those of the topology. */
  readonly times?: Times
  /** Adds routers that speak BGP, and a client behind them; absent: as the topology has it. */
  readonly bgp?: boolean
  readonly timeoutInMs?: number
  /** Told what is being done, as it begins. */
  readonly onStep?: (step: string) => void
}

/** `how`: the lab was up already; it was there in part, and is whole again; or it is new. */
export interface UpResult {
  readonly how: 'already' | 'recovered' | 'new'
  readonly state: LabState
}

const TIMEOUT_IN_MS = 60_000

/**
 * Brings a lab up and waits until its nodes are Ready. What a killed `up`, or killed processes, left of this lab is swept first;
 * its objects, certificates and API port stay. Other labs are not touched.
 *
 * Errors: before anything is changed for a machine that cannot have a lab, a bad name, a taken port.
 * @throws {FairwayError}
 */
export async function bringUp(options: UpOptions): Promise<UpResult> {
  const name = checkLabName(options.name)
  checkMachine()
  checkPrograms()
  const lock = await lockLab(name)
  try {
    const started = await ensureStarted(options, lock)
    options.onStep?.('waiting for the nodes')
    await untilReady(started.state, options.timeoutInMs ?? TIMEOUT_IN_MS)
    await ensureDefinitions(name)
    return started
  } finally {
    closeLabLock(name, lock)
  }
}

async function ensureDefinitions(lab: string): Promise<void> {
  const folder = shippedDefinitions()
  if (folder === undefined) return
  const client = labClient(lab)
  try {
    await applyDefinitions(client, folder)
  } finally {
    client.close()
  }
}

async function ensureStarted(options: UpOptions, lock: FileLock): Promise<UpResult> {
  const { name } = options
  const known = readLabState(name)
  const asked = askedTopology(options)
  const { times = timesOf(asked ?? known?.topology ?? DEFAULT_TOPOLOGY) } = options
  if (known !== undefined && options.bgp && known.topology.nodeAsn === undefined) throw withoutRouters(known)
  if (known !== undefined && options.topology !== undefined && asked !== undefined) refuseOther(known, withTimes(asked, times))
  if (known !== undefined && times !== timesOf(known.topology)) throw otherTimes(known)
  if (known !== undefined && liveSupervisor(name) !== undefined && wiresStand(name, known.topology, known.faults.stopped)) {
    return { how: 'already', state: known }
  }
  const topology = withTimes(known?.topology ?? asked ?? DEFAULT_TOPOLOGY, times)
  if (topology.nodeAsn !== undefined) checkRouterPrograms()
  const faults = known?.faults ?? NO_FAULTS
  refuseClash(name, topology)
  options.onStep?.('looking at the machine')
  await checkKernel()
  if (known === undefined) refuseForeign(name, topology)
  await stopSupervisor(name) // also gives the port back that it may hold
  const apiPort = await choosePort(options.apiPort ?? 0, known?.apiPort ?? 0)
  options.onStep?.(known === undefined ? 'laying the wires' : 'sweeping what was left, laying the wires')
  const state = await writeLabState({ name, topology, faults, apiPort, entry: options.entry })
  await rememberNetnsDir()
  await sweepNamespaces(name, topology)
  await Promise.all([layWires(name, topology, faults.stopped), makeCertificates(labPaths(name).pki, topology)])
  await applyLinkFaults(name, topology, faults)
  writeHosts(state)
  await writeKubeconfigs(state)
  options.onStep?.('starting the processes')
  await startSupervisor(state, lock)
  return { how: known === undefined ? 'new' : 'recovered', state }
}

/** What the caller wants, if it said so. */
function askedTopology({ topology, bgp }: UpOptions): Topology | undefined {
  return bgp ? withBgp(topology ?? DEFAULT_TOPOLOGY) : topology
}

/** Another topology would need other namespaces, certificates and addresses: a new lab, that is. */
function refuseOther(known: LabState, topology: Topology): void {
  if (isDeepStrictEqual(known.topology, topology)) return
  const sentence = `The lab ${known.name} has another topology than the file describes.`
  throw new FairwayError(LAB_TOPOLOGY_DIFFERS, sentence, { field: '--file', fix: anew(known) })
}

function otherTimes(known: LabState): FairwayError {
  const sentence = `The lab ${known.name} is up with ${timesOf(known.topology)} times.`
  return new FairwayError(LAB_TOPOLOGY_DIFFERS, sentence, { field: '--times', fix: anew(known) })
}

function withoutRouters(known: LabState): FairwayError {
  const sentence = `The lab ${known.name} is up without BGP.`
  return new FairwayError(LAB_TOPOLOGY_DIFFERS, sentence, { field: '--with', fix: anew(known) })
}

const anew = ({ name }: LabState): string =>
  `Take the lab down with \`fairway lab down${name === 'lab' ? '' : ` --name ${name}`}\`, or use another \`--name\`.`

/** Host `b-c` of lab `a` and host `c` of lab `a-b` would have one namespace. */
function refuseClash(name: string, topology: Topology): void {
  const wanted = new Set(hostNamespaces(name, topology))
  for (const other of labNames().filter((each) => each !== name)) {
    const clash = hostNamespaces(other, recordedTopology(other) ?? DEFAULT_TOPOLOGY).find((namespace) => wanted.has(namespace))
    if (clash === undefined) continue
    throw new FairwayError(LAB_NAMESPACE_FOREIGN, `The namespace ${clash} belongs to the lab ${other}.`, { field: '--name' })
  }
}

/** A port that was asked for must be free; one that only was the last one may have been taken by others since. */
async function choosePort(asked: number, last: number): Promise<number> {
  if (asked !== 0) return checkApiPort(asked)
  return checkApiPort(last).catch(() => checkApiPort(0))
}

/** Namespaces of ours without our state are leftovers, unless somebody lives in them. */
function refuseForeign(name: string, topology: Topology): void {
  const inside = processesInside(name, topology)
  if (inside.length === 0) return
  const [namespace] = standingNamespaces(name, topology)
  const pids = inside.map(({ pid }) => pid).join(', ')
  throw new FairwayError(
    LAB_NAMESPACE_FOREIGN,
    `The namespace ${namespace} is in use by processes ${pids}, which no lab here knows.`,
    {
      field: '--name',
    },
  )
}

/** For /etc/hosts of shells in the lab. */
function writeHosts(state: LabState): void {
  const lines = hostsOf(state.topology).flatMap((host) => addressesOf(host).map((address) => `${address} ${host.name}`))
  writeFileSync(labPaths(state.name).hosts, `127.0.0.1 localhost\n::1 localhost\n${lines.join('\n')}\n`, { mode: 0o644 })
}
