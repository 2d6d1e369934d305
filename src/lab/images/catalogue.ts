/** Which images there are: the built-in ones and a folder of JSON files. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FairwayError } from '../../model/code.ts'
import { POD_IMAGE_FILE_BAD, POD_IMAGE_UNKNOWN } from '../../model/codes/pod.ts'
import { echoImage } from './fairway-echo.ts'
import { gatewayImage } from './fairway-gateway.ts'
import { type Image, shortImageName } from './image.ts'
import { NGINX_IMAGE } from './nginx.ts'

export const BUILT_IN_IMAGES: readonly Image[] = [NGINX_IMAGE, echoImage(), gatewayImage()]

/** Looks images up; the folder is read at each look-up, so that a file added to it counts at once. */
export interface Catalogue {
  /** @throws {FairwayError} POD_IMAGE_UNKNOWN, or POD_IMAGE_FILE_BAD when its file cannot be understood */
  resolve(reference: string): Promise<Image>
}

/** The catalogue of the built-in images and of `folder` ('' for none), whose files win over built-in images of the same name. */
export function makeCatalogue(folder = ''): Catalogue {
  return {
    async resolve(reference) {
      const name = shortImageName(reference)
      const files = folder === '' ? [] : await readImageFolder(folder)
      const broken = files.find((file) => file.error !== undefined && file.fileName === `${name.replaceAll('/', '_')}.json`)
      if (broken?.error !== undefined) throw broken.error
      const images = [...files.flatMap((file) => (file.image === undefined ? [] : [file.image])), ...BUILT_IN_IMAGES]
      const image = images.find((each) => each.name === name)
      if (image === undefined) throw unknownImage(reference, images, folder)
      return image
    },
  }
}

/** One file of the folder: either its image, or why it cannot be used. */
export interface ImageFile {
  readonly fileName: string
  readonly image?: Image
  readonly error?: FairwayError
}

/** What the folder holds, by file name; no folder is an empty one. */
export async function readImageFolder(folder: string): Promise<readonly ImageFile[]> {
  const names = await readdir(folder).catch(() => [])
  return Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .toSorted()
      .map(async (fileName) => {
        const path = join(folder, fileName)
        try {
          return { fileName, image: parseImage(await readFile(path, 'utf8'), path) }
        } catch (cause) {
          const message = cause instanceof Error ? cause.message : String(cause)
          return { fileName, error: cause instanceof FairwayError ? cause : badFile(path, '', message) }
        }
      }),
  )
}

/**
 * Reads one image file: `{"name": "...", "command": ["/usr/bin/...", ...]}`, and optionally `args`, `env`, `workingDir`,
 * `emptyDirs`, `files`, `visible` as in `Image`. @throws {FairwayError} POD_IMAGE_FILE_BAD that names the field
 */
export function parseImage(text: string, path: string): Image {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (cause) {
    throw badFile(path, '', cause instanceof Error ? cause.message : 'it is not JSON')
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw badFile(path, '', 'it must hold one JSON object')
  const fields = new Map(Object.entries(raw))
  const known = ['name', 'command', 'args', 'env', 'workingDir', 'emptyDirs', 'files', 'visible']
  const stranger = [...fields.keys()].find((field) => !known.includes(field))
  if (stranger !== undefined) throw badFile(path, stranger, `the field is not known; known are ${known.join(', ')}`)
  const name = fields.get('name')
  if (typeof name !== 'string' || name === '') throw badFile(path, 'name', 'it must be a non-empty string')
  const entrypoint = strings(fields, 'command', path)
  if (entrypoint.length === 0) throw badFile(path, 'command', 'it must list a program and its arguments')
  const workingDir = fields.get('workingDir') ?? '/'
  if (typeof workingDir !== 'string' || !workingDir.startsWith('/'))
    throw badFile(path, 'workingDir', 'it must be an absolute path')
  return {
    name: shortImageName(name),
    entrypoint,
    args: strings(fields, 'args', path),
    env: texts(fields, 'env', path),
    workingDir,
    emptyDirs: strings(fields, 'emptyDirs', path),
    files: texts(fields, 'files', path),
    visible: strings(fields, 'visible', path),
  }
}

function strings(fields: ReadonlyMap<string, unknown>, field: string, path: string): readonly string[] {
  const value = fields.get(field) ?? []
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw badFile(path, field, 'it must be a list of strings')
  return value
}

function texts(fields: ReadonlyMap<string, unknown>, field: string, path: string): Readonly<Record<string, string>> {
  const value = fields.get(field) ?? {}
  const ok =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((each) => typeof each === 'string')
  if (!ok) throw badFile(path, field, 'it must be an object of strings')
  return value as Readonly<Record<string, string>>
}

function badFile(path: string, field: string, reason: string): FairwayError {
  const where = field === '' ? path : `${path}, field ${field}`
  return new FairwayError(POD_IMAGE_FILE_BAD, `The image file ${where} cannot be used: ${reason}.`, { field })
}

function unknownImage(reference: string, images: readonly Image[], folder: string): FairwayError {
  const names = [...new Set(images.map((image) => image.name))].toSorted()
  const name = shortImageName(reference)
  const place = folder === '' ? 'the folder that the lab was given with --images' : folder
  const example = JSON.stringify({ name, command: ['/usr/bin/PROGRAM'] })
  const fix = `To add it, run \`fairway lab image add ${name} --command PROGRAM\`, or put ${name.replaceAll('/', '_')}.json with ${example} into ${place}.`
  return new FairwayError(POD_IMAGE_UNKNOWN, `The lab has no image "${reference}"; it has ${names.join(', ')}. ${fix}`, { fix })
}
