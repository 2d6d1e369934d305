/** What a lab keeps on disk, so that every command, and the next one after a crash, knows what is there. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writeAtomically } from '../linux/atomic-file.ts'
import type { ProcessIdentity } from '../linux/process.ts'
import { FairwayError } from '../model/code.ts'
import { LAB_STATE_UNREADABLE } from '../model/codes/lab.ts'
import type { Faults } from './faults.ts'
import type { Topology } from './topology.ts'

/** Of lab.json and of processes.json; they change apart. */
const LAB_VERSION = 2
const VERSION = 1

/** `lab.json`: written by `lab up` before it changes anything, and by the commands that make and end faults. */
export interface LabState {
  readonly version: typeof LAB_VERSION
  readonly name: string
  readonly topology: Topology
  /** What is broken on purpose. */
  readonly faults: Faults
  /** The loopback port of the machine that the API server listens on. */
  readonly apiPort: number
  /** The program that runs the roles: src/main.ts, or the bundle. */
  readonly entry: string
}

export type ProcessPhase = 'starting' | 'ready' | 'waiting' | 'stopped'

/** One process of the lab, as its supervisor sees it. */
export interface LabProcess {
  /** `ROLE` or `ROLE-NODE`; its log is `log/NAME.log`. */
  readonly name: string
  readonly role: string
  /** The host in whose namespace it runs. */
  readonly host: string
  /** `waiting`: it ended, and will be started again. */
  readonly phase: ProcessPhase
  /** Absent while it does not run. */
  readonly identity?: ProcessIdentity
  /** Milliseconds since the epoch, of its last start; 0 before the first. */
  readonly startedAtInMs: number
  readonly restarts: number
  /** How it ended last: `exit code 1`, `signal SIGKILL`; '' when it never did. */
  readonly lastExit: string
}

/** `processes.json`: written by the supervisor alone, at every change. */
export interface ProcessesState {
  readonly version: typeof VERSION
  /** Identities mean nothing after another boot. */
  readonly bootId: string
  readonly supervisor: ProcessIdentity
  readonly startedAtInMs: number
  readonly processes: readonly LabProcess[]
}

/** Where every lab of this machine keeps its folder. */
export function runDir(): string {
  return resolve(process.env.FAIRWAY_RUN_DIR || '/run/fairway')
}

/** The paths of one lab; see docs/design/lab.md. */
export function labPaths(name: string) {
  const dir = join(runDir(), name)
  return {
    dir,
    state: join(dir, 'lab.json'),
    processes: join(dir, 'processes.json'),
    control: join(dir, 'control.sock'),
    hosts: join(dir, 'hosts'),
    pki: join(dir, 'pki'),
    kubeconfig: join(dir, 'kubeconfig'),
    store: join(dir, 'store'),
    log: join(dir, 'log'),
    pods: join(dir, 'pods'),
    images: join(dir, 'images'),
    agent: join(dir, 'agent'),
    controller: join(dir, 'controller'),
    /** A folder for each router that speaks BGP. */
    routers: join(dir, 'routers'),
    /** Held while the lab is started or stopped; beside the folder, which goes away. */
    lock: join(runDir(), `.${name}.lock`),
  }
}

/** The kubeconfig of one user of the lab: `admin`, `client`, `controllers`, `controller`, `kubelet-NODE`, `agent-NODE`. */
export function kubeconfigPath(name: string, user: string): string {
  return join(labPaths(name).kubeconfig, user)
}

/** The names of all labs that left a folder, running or not, sorted. */
export function labNames(): readonly string[] {
  if (!existsSync(runDir())) return []
  const folders = readdirSync(runDir(), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.map((entry) => entry.name).sort()
}

/** @throws {FairwayError} LAB_STATE_UNREADABLE; undefined when there is no such lab */
export function readLabState(name: string): LabState | undefined {
  return readJson<LabState>(labPaths(name).state, LAB_VERSION)
}

/** The topology of a lab; undefined when there is no such lab, or its record is damaged: no reason to leave a lab behind. */
export function recordedTopology(name: string): Topology | undefined {
  try {
    return readLabState(name)?.topology
  } catch {
    return undefined
  }
}

/** @throws {FairwayError} LAB_STATE_UNREADABLE; undefined when no supervisor ever ran */
export function readProcesses(name: string): ProcessesState | undefined {
  return readJson<ProcessesState>(labPaths(name).processes, VERSION)
}

export async function writeLabState(state: Omit<LabState, 'version'>): Promise<LabState> {
  const paths = labPaths(state.name)
  for (const dir of [
    paths.dir,
    paths.pki,
    paths.kubeconfig,
    paths.store,
    paths.log,
    paths.pods,
    paths.images,
    paths.agent,
    paths.routers,
  ]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  }
  const whole: LabState = { ...state, version: LAB_VERSION }
  await writeAtomically(paths.state, `${JSON.stringify(whole, null, 2)}\n`)
  return whole
}

export async function writeProcesses(name: string, state: Omit<ProcessesState, 'version'>): Promise<void> {
  await writeAtomically(labPaths(name).processes, `${JSON.stringify({ version: VERSION, ...state }, null, 2)}\n`)
}

function readJson<T extends { readonly version: number }>(path: string, version: number): T | undefined {
  if (!existsSync(path)) return undefined
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as T
    if (value.version === version) return value
  } catch (cause) {
    throw new FairwayError(LAB_STATE_UNREADABLE, `${path} cannot be read.`, { cause })
  }
  throw new FairwayError(LAB_STATE_UNREADABLE, `${path} was written by another version of Fairway.`)
}
