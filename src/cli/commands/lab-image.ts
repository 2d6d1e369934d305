import { addImage, images, removeImage } from '../../lab/images/edit.ts'
import { labPaths } from '../../lab/state.ts'
import { requireLab } from '../../lab/status.ts'
import type { Output } from '../terminal.ts'
import { answer, answerAs, table } from '../terminal.ts'

interface AddOptions {
  readonly name: string
  readonly command: string
  readonly arg?: readonly string[]
  readonly env?: readonly string[]
  readonly dir?: string
}

/** `fairway lab image add IMAGE --command PROGRAM`: an image that was there is replaced. */
export async function labImageAdd(image: string, options: AddOptions): Promise<void> {
  const wish = { name: image, command: options.command, args: options.arg ?? [], env: options.env ?? [] }
  const added = await addImage(folder(options.name), { ...wish, ...(options.dir === undefined ? {} : { dir: options.dir }) })
  answer(`image ${added.name} is ${added.replaced ? 'replaced' : 'added'}`)
}

/** `fairway lab image list`: the built-in ones and those that were added. */
export async function labImageList(options: { name: string; output: Output }): Promise<void> {
  const all = await images(folder(options.name))
  const rows = all.map((one) => [one.name, one.builtIn ? 'built in' : 'added', one.error ?? one.command.join(' ')])
  answerAs(options.output, { version: 1, images: all }, () => table([['IMAGE', 'FROM', 'COMMAND'], ...rows]))
}

/** `fairway lab image remove IMAGE`. */
export async function labImageRemove(image: string, options: { name: string }): Promise<void> {
  answer(`image ${await removeImage(folder(options.name), image)} is removed`)
}

function folder(lab: string): string {
  requireLab(lab)
  return labPaths(lab).images
}
