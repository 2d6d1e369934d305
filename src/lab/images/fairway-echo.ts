import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programUrl } from '../../linux/program.ts'
import type { Image } from './image.ts'

/** The echo server: this product's own program, run as the role `lab-echo`. `entry` is the file that knows the roles. */
export function echoImage(entry = fileURLToPath(programUrl('../../main.ts', import.meta.url))): Image {
  return {
    name: 'fairway/echo',
    entrypoint: [process.execPath, entry, 'lab-echo'],
    args: [],
    env: {},
    workingDir: '/',
    emptyDirs: [],
    files: {},
    visible: [dirname(process.execPath), dirname(entry)],
  }
}
