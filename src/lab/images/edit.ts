/** Adding images to a lab's folder and taking them away, for `fairway lab image`. */
import { accessSync, constants, existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { writeAtomically } from '../../linux/atomic-file.ts'
import { FairwayError } from '../../model/code.ts'
import { LAB_IMAGE_INVALID, LAB_IMAGE_UNKNOWN } from '../../model/codes/lab.ts'
import { BUILT_IN_IMAGES, readImageFolder } from './catalogue.ts'
import { shortImageName } from './image.ts'

/** What a user asks for; `command` is a path or a name on the PATH, `env` has `KEY=VALUE` texts, `dir` is a folder to see and start in. */
export interface ImageWish {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly dir?: string
}

export interface ListedImage {
  readonly name: string
  readonly builtIn: boolean
  readonly command: readonly string[]
  /** Why its file cannot be used. */
  readonly error?: string
}

/** Component names of the distribution reference grammar. */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const LONGEST_NAME = 120
const SYSTEM_DIRS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
/** Where a container sees nothing of the machine unless it is told to. */
const HIDDEN = ['/home/', '/root/', '/tmp/', '/run/', '/mnt/']

/** Writes the image's file; one of that name is replaced. @throws {FairwayError} LAB_IMAGE_INVALID that names the option */
export async function addImage(folder: string, wish: ImageWish): Promise<{ readonly name: string; readonly replaced: boolean }> {
  const name = checkName(wish.name)
  const program = findProgram(wish.command)
  const dir = wish.dir === undefined ? undefined : checkFolder(wish.dir)
  const visible = [...(dir === undefined ? [] : [dir]), ...(HIDDEN.some((start) => program.startsWith(start)) ? [program] : [])]
  const file = {
    name,
    command: [program],
    args: wish.args,
    env: Object.fromEntries(wish.env.map(parseVariable)),
    ...(dir === undefined ? {} : { workingDir: dir }),
    visible,
  }
  const path = fileOf(folder, name)
  const replaced = existsSync(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  await writeAtomically(path, `${JSON.stringify(file, null, 2)}\n`)
  return { name, replaced }
}

/** All images by name; an added one hides a built-in one. */
export async function images(folder: string): Promise<readonly ListedImage[]> {
  const added = (await readImageFolder(folder)).map(({ fileName, image, error }): ListedImage => {
    if (image === undefined) return { name: fileName, builtIn: false, command: [], ...(error ? { error: error.message } : {}) }
    return { name: image.name, builtIn: false, command: [...image.entrypoint, ...image.args] }
  })
  const names = new Set(added.map(({ name }) => name))
  const builtIn = BUILT_IN_IMAGES.map(({ name, entrypoint, args }) => ({
    name,
    builtIn: true,
    command: [...entrypoint, ...args],
  }))
  const all = [...added, ...builtIn.filter(({ name }) => !names.has(name))]
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Returns the name under which it was. @throws {FairwayError} LAB_IMAGE_UNKNOWN with those that can be removed */
export async function removeImage(folder: string, reference: string): Promise<string> {
  const name = shortImageName(reference)
  const path = NAME.test(name) ? fileOf(folder, name) : ''
  if (path !== '' && existsSync(path)) {
    rmSync(path)
    return name
  }
  const added = (await images(folder)).filter(({ builtIn }) => !builtIn).map((image) => image.name)
  const fix = added.length === 0 ? 'None was added; built-in images stay.' : `Use one of: ${added.join(', ')}.`
  throw new FairwayError(LAB_IMAGE_UNKNOWN, `No image ${JSON.stringify(reference)} was added to the lab.`, {
    field: 'IMAGE',
    fix,
  })
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name.replaceAll('/', '_')}.json`)
}

function checkName(reference: string): string {
  const name = shortImageName(reference)
  const climbs = reference.split('/').some((part) => part === '.' || part === '..')
  if (NAME.test(name) && name.length <= LONGEST_NAME && !climbs) return name
  throw invalid(
    'IMAGE',
    `${JSON.stringify(reference)} is no name of an image`,
    'Use lower-case letters and digits with . _ - between, and / between parts: team/web.',
  )
}

function findProgram(command: string): string {
  const candidates = command.includes('/') ? [resolve(command)] : programDirs().map((dir) => join(dir, command))
  const found = command === '' ? undefined : candidates.find(isProgram)
  if (found !== undefined) return found
  const where = command.includes('/') ? 'is no program that can be run' : 'is on no folder of the PATH'
  throw invalid(
    '--command',
    `${JSON.stringify(command)} ${where}`,
    'Name one program of this machine; its arguments go to --arg.',
  )
}

/** First where the machine's own programs are: what a user's PATH puts before them (shims in a home) is hidden from containers. */
function programDirs(): readonly string[] {
  const path = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir.startsWith('/'))
  return [...SYSTEM_DIRS, ...path]
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function checkFolder(path: string): string {
  const whole = resolve(path)
  if (whole !== '/' && statSync(whole, { throwIfNoEntry: false })?.isDirectory()) return whole
  throw invalid('--dir', `${JSON.stringify(path)} is no folder that can be given to an image`, 'Name a folder of this machine.')
}

function parseVariable(text: string): [string, string] {
  const [, key, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined)
    throw invalid('--env', `${JSON.stringify(text)} is no KEY=VALUE`, 'Write --env PORT=8080.')
  return [key, value]
}

function invalid(field: string, problem: string, fix: string): FairwayError {
  return new FairwayError(LAB_IMAGE_INVALID, `${problem}.`, { field, fix })
}
