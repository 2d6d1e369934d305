/** What is in a gateway's folder before anything is known. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAuthProgram } from './auth-lua.ts'
import { baseText, NO_GENERATION } from './base.ts'
import { BASE_FILE, directoryAt } from './directory.ts'
import { writeText } from './files.ts'
import { NO_ADDRESSES } from './server-addresses.ts'

/** Makes the folder, and a configuration without any listener if there is none yet, so that HAProxy can be started. */
export async function prepareDirectory(dir: string): Promise<void> {
  const directory = directoryAt(dir)
  const { config, maps, certificates } = directory
  for (const one of [dir, config, maps, certificates]) await mkdir(one, { recursive: true, mode: 0o700 })
  await writeAuthProgram(directory)
  await writeText(directory.addresses, NO_ADDRESSES)
  await writeFile(join(config, BASE_FILE), baseText(dir, NO_GENERATION), { flag: 'wx', mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
}
