/** Who has an address: nodes have addresses of their own, and Services ask for some from outside the cluster. */
export class AddressIndex {
  private readonly byAddress = new Map<string, Set<string>>()
  private readonly byOwner = new Map<string, readonly string[]>()

  has(address: string): boolean {
    return this.byAddress.has(address)
  }

  ownersOf(address: string): Iterable<string> {
    return this.byAddress.get(address) ?? []
  }

  /** Replaces the addresses of one owner and returns those that it gained or lost. */
  set(owner: string, addresses: readonly string[]): readonly string[] {
    const before = this.byOwner.get(owner) ?? []
    const gained = addresses.filter((address) => !before.includes(address))
    const lost = before.filter((address) => !addresses.includes(address))
    for (const address of gained) this.byAddress.set(address, (this.byAddress.get(address) ?? new Set()).add(owner))
    for (const address of lost) this.drop(owner, address)
    if (addresses.length === 0) this.byOwner.delete(owner)
    else this.byOwner.set(owner, addresses)
    return [...gained, ...lost]
  }

  private drop(owner: string, address: string): void {
    const owners = this.byAddress.get(address)
    owners?.delete(owner)
    if (owners?.size === 0) this.byAddress.delete(address)
  }
}
