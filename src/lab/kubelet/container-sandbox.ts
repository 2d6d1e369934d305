/** What one run of a container is made of: its image's files, its volumes, its message file, its rights. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Image } from '../images/image.ts'
import { boundingOf, capabilitiesOf } from './capabilities.ts'
import type { ContainerContext } from './container-context.ts'
import { etcFiles } from './etc-files.ts'
import type { Bind, Sandbox } from './sandbox.ts'
import { layMessageFile } from './termination-message.ts'
import { userOf } from './user.ts'

/** What this machine has to give. */
const BOUNDING = boundingOf(readFileSync('/proc/self/status', 'utf8'))

export interface LaidContainer {
  readonly sandbox: Sandbox
  /** The file of its termination message. */
  readonly message: Bind
}

/** Lays the files of a container and says how it is isolated. @throws {Error} */
export async function layContainer(
  { pod, container, dir, netns, place, volumes }: ContainerContext,
  image: Image,
  run: Pick<Sandbox, 'command' | 'env' | 'groupFiles' | 'serviceEnv'>,
): Promise<LaidContainer> {
  const files = await layFiles(join(dir, 'files', container.name), { ...etcFiles(pod, place), ...image.files })
  const message = await layMessageFile(join(dir, 'termination'), container)
  const { emptyDirs, visible } = image
  const sandbox = {
    ...run,
    netns,
    hostname: place.hostname,
    workingDir: container.workingDir || image.workingDir,
    emptyDirs,
    files,
    visible,
    binds: [...(await volumes.binds(container, run.env)), message],
    capabilities: capabilitiesOf(container, BOUNDING),
    tty: container.tty === true,
    readOnlyRoot: container.securityContext?.readOnlyRootFilesystem === true,
    user: userOf(pod, container),
  }
  return { sandbox, message }
}

async function layFiles(dir: string, texts: Image['files']): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const [index, [inside, text]] of Object.entries(texts).entries()) {
    const outside = join(dir, String(index))
    await mkdir(dir, { recursive: true, mode: 0o755 })
    await writeFile(outside, text, { mode: 0o644 })
    files.set(inside, outside)
  }
  return files
}
