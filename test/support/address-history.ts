/** Who had which addresses, by the versions of the store: of Services and FloatingAddresses, which are watched apart. */
import type { FloatingAddressObject } from '../../src/kube/floating-address.ts'
import type { Service } from '../../src/kube/types.ts'
import type { TestServer } from '../../src/lab/apiserver/testing.ts'

interface Tenure {
  readonly address: string
  readonly holder: string
  readonly from: number
  /** The version from which on it had the address no more. */
  until: number
}

const QUERY = 'watch=true&timeoutSeconds=3600'

export class AddressHistory {
  private readonly tenures: Tenure[] = []

  constructor(server: TestServer) {
    void this.follow(server.watch(`/api/v1/services?${QUERY}`), 'Service', ({ status }: Service) =>
      (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
    )
    void this.follow(
      server.watch(`/apis/fairway.dev/v1alpha1/floatingaddresses?${QUERY}`),
      'FloatingAddress',
      ({ status }: FloatingAddressObject) => status?.addresses ?? [],
    )
  }

  /** How often somebody got an address that they had not. */
  get given(): number {
    return this.tenures.length
  }

  /** `ADDRESS: HOLDER and HOLDER`: each a time in which two had one address. */
  get clashes(): readonly string[] {
    return [...Map.groupBy(this.tenures, ({ address }) => address).values()].flatMap((tenures) => {
      const inOrder = tenures.toSorted((one, other) => one.from - other.from)
      return inOrder.flatMap((one, index) => {
        const next = inOrder[index + 1]
        return next !== undefined && next.from < one.until ? [`${one.address}: ${one.holder} and ${next.holder}`] : []
      })
    })
  }

  private async follow<T extends FloatingAddressObject | Service>(
    events: AsyncGenerator<{ readonly type: string; readonly object: T }>,
    kind: string,
    addressesOf: (object: T) => readonly string[],
  ): Promise<void> {
    for await (const { type, object } of events) {
      const { name = '', resourceVersion = '' } = object.metadata
      this.take(`${kind} ${name}`, type === 'DELETED' ? [] : addressesOf(object), Number(resourceVersion))
    }
  }

  private take(holder: string, addresses: readonly string[], version: number): void {
    const current = this.tenures.filter((one) => one.holder === holder && one.until === Number.POSITIVE_INFINITY)
    for (const one of current) if (!addresses.includes(one.address)) one.until = version
    for (const address of addresses)
      if (!current.some((one) => one.address === address))
        this.tenures.push({ address, holder, from: version, until: Number.POSITIVE_INFINITY })
  }
}
