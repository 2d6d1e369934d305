/** Which Services had which addresses, in the order in which the API server took the changes. */

import type { KubeClient } from '../../src/kube/client.ts'
import { startReflector } from '../../src/kube/reflector.ts'
import { SERVICES } from '../../src/kube/resource.ts'
import type { Service } from '../../src/kube/types.ts'

export class AddressHistory {
  /** `ADDRESS: SERVICE and SERVICE`: each a moment in which two had one address. */
  readonly clashes: string[] = []
  /** How often a Service got an address that it had not. */
  given = 0
  private readonly now = new Map<string, readonly string[]>()

  constructor(client: KubeClient, signal: AbortSignal) {
    // one watch: its events are in the order of the store
    startReflector<Service, readonly string[]>({
      ...{ client, signal, resource: SERVICES },
      keep: ({ status }) => (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
      onChanges: (changes) => {
        for (const { key, after = [] } of changes) this.take(key, after)
      },
    })
  }

  private take(key: string, addresses: readonly string[]): void {
    const before = this.now.get(key) ?? []
    this.now.set(key, addresses)
    for (const address of addresses.filter((one) => !before.includes(one))) {
      this.given++
      for (const [other, theirs] of this.now)
        if (other !== key && theirs.includes(address)) this.clashes.push(`${address}: ${other} and ${key}`)
    }
  }
}
