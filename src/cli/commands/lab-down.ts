import { labsToTakeDown, takeDown } from '../../lab/down.ts'
import { answer, Progress } from '../terminal.ts'

/** `fairway lab down`: one line for each lab; a lab that is not there is no error. */
export async function labDown(options: { name: string; all?: boolean }): Promise<void> {
  const names = options.all ? labsToTakeDown() : [options.name]
  if (names.length === 0) return answer('there is no lab')
  const progress = new Progress()
  try {
    for (const name of names) {
      const was = await takeDown(name, progress.step)
      progress.done()
      answer(was ? `lab ${name} is down; nothing of it is left` : `lab ${name} was not up`)
    }
  } finally {
    progress.done()
  }
}
