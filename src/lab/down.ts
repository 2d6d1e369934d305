/** Takes a lab down: not one namespace, process, mount or file of it stays, also after crashes. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { run, tryRun } from '../linux/run.ts'
import { removeGroups } from './kubelet/limit/sweep.ts'
import { closeLabLock, forgetNetnsDir, lockLab } from './lab-lock.ts'
import { checkLabName } from './names.ts'
import { checkMachine } from './preflight.ts'
import { labNames, labPaths, recordedTopology, runDir } from './state.ts'
import { stopSupervisor } from './supervised.ts'
import { DEFAULT_TOPOLOGY } from './topology.ts'
import { standingNamespaces, sweepNamespaces } from './wires/sweep.ts'

/** Takes one lab down. Returns false when there was nothing of it, which is no error. @throws {FairwayError} */
export async function takeDown(name: string, onStep: (step: string) => void = () => undefined): Promise<boolean> {
  checkLabName(name)
  checkMachine()
  const topology = recordedTopology(name) ?? DEFAULT_TOPOLOGY
  if (!existsSync(labPaths(name).dir) && standingNamespaces(name, topology).length === 0) return false
  const lock = await lockLab(name)
  try {
    onStep('stopping the processes')
    await stopUnreadable(name)
    onStep('taking the wires away')
    await sweepNamespaces(name, topology)
    await removeGroups(name)
    await unmountBelow(labPaths(name).dir)
    rmSync(labPaths(name).dir, { recursive: true, force: true })
    await forgetNetnsDir()
  } finally {
    closeLabLock(name, lock)
  }
  return true
}

/** The labs that `down --all` takes down. */
export function labsToTakeDown(): readonly string[] {
  return existsSync(runDir()) ? labNames() : []
}

/** Damaged records leave the processes to the sweep, which finds them by their namespaces. */
async function stopUnreadable(name: string): Promise<void> {
  try {
    await stopSupervisor(name)
  } catch {
    // readProcesses says why; the sweep does the rest
  }
}

/** Mounts below the lab's folder (volumes of pods), innermost first. */
async function unmountBelow(dir: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[1] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((path) => path.startsWith(`${dir}/`))
  for (const path of mounts.reverse()) {
    const { exitCode } = await tryRun(['umount', '-n', path])
    if (exitCode !== 0) await run(['umount', '-n', '--lazy', path])
  }
}
