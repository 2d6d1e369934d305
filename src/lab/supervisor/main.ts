/** The role `lab-supervisor`: `--lab NAME`, everything else is in that lab's lab.json. */
import { closeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { notifyReady } from '../../linux/ready-fd.ts'
import { FairwayError } from '../../model/code.ts'
import { LAB_NOT_RUNNING } from '../../model/codes/lab.ts'
import { checkLabName } from '../names.ts'
import { readLabState } from '../state.ts'
import { Supervisor } from './supervisor.ts'

/**
 * Runs until SIGTERM or a `stop` on the control socket.
 *
 * Shape: `--ready-fd N` gets `READY\n` once the lab's processes can be asked about (not: once they are ready); `--lock-fd N` is a
 *        lock on the lab, inherited from `lab up`, which is let go once `processes.json` says that we are there.
 */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { lab: { type: 'string' }, 'ready-fd': { type: 'string' }, 'lock-fd': { type: 'string' } },
  })
  const name = checkLabName(values.lab ?? '')
  const state = readLabState(name)
  if (state === undefined) throw new FairwayError(LAB_NOT_RUNNING, `There is no lab ${name}.`)
  const supervisor = new Supervisor(state, () => process.exit(0))
  process.on('SIGTERM', () => void supervisor.stop())
  process.on('SIGINT', () => void supervisor.stop())
  process.on('SIGHUP', () => undefined) // the terminal that it was started from is not its own
  await supervisor.announce()
  if (values['lock-fd'] !== undefined) closeSync(Number(values['lock-fd']))
  if (values['ready-fd'] !== undefined) notifyReady(Number(values['ready-fd'])) // the next `up` finds us if this one was killed
  supervisor.start()
}
