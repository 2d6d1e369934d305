/** Follows Ingresses, and keeps their names in the file of the lab's hosts. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { KubeClient } from '../../kube/client.ts'
import { startReflector } from '../../kube/reflector.ts'
import { INGRESSES } from '../../kube/resource.ts'
import type { Ingress } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { hostsText } from './ingress-names.ts'

/** Starts it; resolves when the file has the names. It runs until the signal. */
export async function startIngressNames(client: KubeClient, path: string, signal: AbortSignal): Promise<void> {
  const reflector = startReflector<Ingress>({
    ...{ client, signal, resource: INGRESSES },
    onChanges: () => {
      if (reflector.hasSynced) write()
    },
  })
  const write = (): void => {
    try {
      writeInPlace(path, reflector.store.values())
    } catch (err) {
      logger('ingress-names').warn({ err, path }, 'the names of Ingresses cannot be written')
    }
  }
  await reflector.synced
  write()
}

/** Shells have the very file mounted: another one in its place they would not see. What is shorter is cut off last, so that no name is missing in between. */
function writeInPlace(path: string, ingresses: Iterable<Ingress>): void {
  const before = readFileSync(path, 'utf8')
  const text = hostsText(before, ingresses)
  if (text === before) return
  const file = openSync(path, 'r+')
  try {
    writeSync(file, text, 0)
    ftruncateSync(file, Buffer.byteLength(text))
  } finally {
    closeSync(file)
  }
}
