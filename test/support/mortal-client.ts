/** A client of a process that dies at a chosen request: as with kill -9, before it is sent, or before its answer is heard. */
import type { KubeClient } from '../../src/kube/client.ts'

export interface Death {
  /** The request that it dies of, counted from 1. */
  readonly atRequest: number
  /** Whether the server still gets that request. */
  readonly sent: boolean
  /** Called once, at the moment of death. */
  readonly die: () => void
}

const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'updateStatus', 'patch', 'delete'])

/** Only writes count, and only they are lost: what is read changes nothing. */
export function mortalClient(client: KubeClient, { atRequest, sent, die }: Death): KubeClient {
  let requests = 0
  return new Proxy(client, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver)
      if (typeof method !== 'function' || typeof name !== 'string' || !WRITES.has(name)) return method
      return async (...args: readonly unknown[]) => {
        const own = ++requests
        if (own === atRequest && sent) await Promise.resolve(method.apply(target, args)).catch(() => undefined)
        if (own === atRequest) die()
        if (own >= atRequest) throw new Error('this process is dead')
        return method.apply(target, args)
      }
    },
  })
}
