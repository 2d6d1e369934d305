import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Entry, enterHost } from '../../lab/enter.ts'
import { hostNamed } from '../../lab/names.ts'
import { checkMachine } from '../../lab/preflight.ts'
import type { LabState } from '../../lab/state.ts'
import { requireLab } from '../../lab/status.ts'
import { addressesOf } from '../../lab/topology.ts'
import { wiresStand } from '../../lab/wires/lay.ts'
import { programUrl } from '../../linux/program.ts'
import { makeStdioBlocking } from '../../linux/stdio.ts'
import { FairwayError } from '../../model/code.ts'
import { LAB_NODE_STOPPED, LAB_NOT_RUNNING } from '../../model/codes/lab.ts'
import { USAGE_WRONG } from '../../model/codes/usage.ts'
import { hint } from '../terminal.ts'

const REPOSITORY = fileURLToPath(new URL('..', programUrl('../../main.ts', import.meta.url)))

/** `fairway lab shell [HOST]`: bash with a plain `$ ` prompt, as in the text that the lab is named after. */
export function labShell(host: string, options: { name: string }): void {
  const state = runningLab(options.name, host)
  const known = hostNamed(state.topology, host)
  const { name, role } = known
  if (process.stdin.isTTY) {
    const where = role === 'client' ? 'outside the cluster' : role
    hint(`${name} (${addressesOf(known)[0]}, ${where}) of lab ${state.name}; kubectl and curl work here, \`exit\` leaves`)
  }
  const entry = enterHost(state, host, ['bash', '--noprofile', '--norc'])
  become({ ...entry, env: { ...entry.env, PS1: '$ ', HISTFILE: '' } })
}

/** `fairway lab exec HOST -- COMMAND`: its input, output, signals and exit code are the command's own. */
export function labExec(host: string, command: readonly string[], options: { name: string }): void {
  const plain = command[0] === '--' ? command.slice(1) : command
  if (plain.length === 0) throw new FairwayError(USAGE_WRONG, 'There is no command after --.', { field: 'COMMAND' })
  become(enterHost(runningLab(options.name, host), host, plain))
}

function runningLab(name: string, host: string): LabState {
  checkMachine()
  const state = requireLab(name)
  if (state.faults.stopped.includes(host)) throw nodeStopped(state, host)
  if (wiresStand(name, state.topology, state.faults.stopped)) return state
  throw new FairwayError(LAB_NOT_RUNNING, `The lab ${name} is not whole: its namespaces are gone.`, {
    fix: `\`fairway lab up --name ${name}\` makes it whole again.`,
  })
}

function nodeStopped(state: LabState, host: string): FairwayError {
  const option = state.name === 'lab' ? '' : ` --name ${state.name}`
  return new FairwayError(LAB_NODE_STOPPED, `${host} is stopped.`, {
    fix: `Start it with \`fairway lab node start ${host}${option}\`.`,
  })
}

/** Puts the command in the place of this process, so that nothing stands between it and the terminal. */
function become(entry: Entry): void {
  const path = [...entry.path, join(REPOSITORY, '.tools'), join(REPOSITORY, 'bin'), process.env.PATH].join(delimiter)
  const env = { ...process.env, ...entry.env, PATH: path }
  const [program = ''] = entry.command
  makeStdioBlocking()
  process.execve?.(onPath(program), [...entry.command], env)
}

function onPath(program: string): string {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(dir, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // not in this folder
    }
  }
  throw new Error(`${program} is not on the PATH`)
}
