import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programUrl } from '../../linux/program.ts'
import type { Image } from './image.ts'

/**
 * The layer-seven gateway: this product itself, with HAProxy and setpriv of the machine beside it. `entry` is the file that knows the roles. From the
 * source tree its packages are to be seen, too; what ships has them in it.
 */
export function gatewayImage(entry = fileURLToPath(programUrl('../../main.ts', import.meta.url))): Image {
  const packages = join(dirname(dirname(entry)), 'node_modules')
  return {
    name: 'fairway/gateway',
    entrypoint: [process.execPath, entry],
    args: ['gateway'],
    env: {},
    workingDir: '/',
    emptyDirs: [],
    files: {},
    visible: [dirname(process.execPath), dirname(entry), ...(entry.endsWith('.ts') && existsSync(packages) ? [packages] : [])],
  }
}
