/** Watches Services without a selector and the Endpoints that users wrote for them, and keeps slices that say the same. */
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { KeyQueue } from '../../kube/key-queue.ts'
import { startReflector } from '../../kube/reflector.ts'
import { ENDPOINTS, SERVICES } from '../../kube/resource.ts'
import type { Endpoints, Service } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { isMirrored, MIRROR_MANAGER, planMirror } from './endpoint-mirror.ts'
import { SliceWriter } from './slice-writer.ts'

const log = logger('endpoint-mirror')

/** Starts it; resolves when it knows the cluster. It runs until the signal. */
export async function startEndpointMirror(client: KubeClient, signal: AbortSignal): Promise<void> {
  const queue = new KeyQueue({
    signal,
    sync: async (key) => {
      const wanted = endpoints.store.get(key)
      const existing = slices.of(key)
      const mirrored = wanted !== undefined && isMirrored(services.store.get(key), wanted)
      await slices.write(mirrored ? planMirror(wanted, existing) : { create: [], update: [], delete: existing })
      return undefined
    },
    failed: (key, err) => {
      if (!isConflict(err) && !isNotFound(err)) log.warn({ err, endpoints: key }, 'Endpoints could not be mirrored')
    },
  })
  const shared = {
    client,
    signal,
    onChanges: (changes: readonly { key: string }[]) => queue.add(...changes.map(({ key }) => key)),
  }
  const services = startReflector<Service>({ ...shared, resource: SERVICES })
  const endpoints = startReflector<Endpoints>({ ...shared, resource: ENDPOINTS })
  const slices = new SliceWriter({ client, signal, manager: MIRROR_MANAGER, onChanges: (keys) => queue.add(...keys) })
  await Promise.all([services.synced, endpoints.synced, slices.synced])
  queue.start()
}
