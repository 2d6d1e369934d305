/**
 * Claims of addresses in the API, changed so that two controllers which both think that they lead never give one address twice.
 *
 * Who is about to write an address into a Service reads the Service first, then has the claim, freshly read, then writes on the
 * condition that the Service is as it was read. Who takes an address away first marks the claim, then makes sure that the Service is
 * without the address *at a new version*, then frees the claim. So either the writer sees the mark, or its write fails, or the taker
 * sees the address in the Service and does not free it. All changes of a claim are on the condition of its version.
 */
import { type AddressClaimObject, claimName, claimObject } from '../kube/address-claim.ts'
import { isAlreadyExists, isNotFound } from '../kube/api-error.ts'
import type { KubeClient } from '../kube/client.ts'
import { ADDRESS_CLAIMS } from '../kube/load-balancer-resources.ts'
import type { ObjectKey } from '../model/world.ts'

type Spec = NonNullable<AddressClaimObject['spec']>

export interface Wish {
  readonly address: string
  readonly pool: string
  readonly holder: ObjectKey
  /** Who may have it too, by the plan. */
  readonly company: ReadonlySet<ObjectKey>
}

export class ClaimBook {
  private readonly client: KubeClient
  private readonly signal: AbortSignal

  constructor(client: KubeClient, signal: AbortSignal) {
    this.client = client
    this.signal = signal
  }

  /** Whether `holder` has the claim now; false when another has it. `known`: it is believed to have it. @throws {FairwayError} */
  async take(wish: Wish, known: boolean): Promise<boolean> {
    const { address, pool, holder, company } = wish
    if (!known && (await this.make(claimObject({ address, pool, holders: [holder] })))) return true
    const found = await this.read(address)
    if (found === undefined) return this.make(claimObject({ address, pool, holders: [holder] }))
    const { holders, leaving } = partsOf(found)
    if (holders.includes(holder)) return true
    // its own mark is taken back, which fails whoever is about to free the claim
    if ([...holders, ...leaving].some((one) => one !== holder && !company.has(one))) return false
    const others = leaving.filter((one) => one !== holder)
    const parts = { holders: [...holders, holder].toSorted(), ...(others.length > 0 ? { leaving: others } : {}) }
    await this.write(found, { address, pool, ...parts })
    return true
  }

  /**
   * Marks that `holder` is giving the address up, as the first step. Gives the claim as it is then; undefined when there is none, or
   * when it is not `holder`'s.
   */
  async mark(address: string, holder: ObjectKey): Promise<AddressClaimObject | undefined> {
    const found = await this.read(address)
    if (found === undefined) return undefined
    const { holders, leaving } = partsOf(found)
    if (leaving.includes(holder)) return found
    if (!holders.includes(holder)) return undefined
    const rest = { holders: holders.filter((one) => one !== holder), leaving: [...leaving, holder].toSorted() }
    return this.write(found, { ...specOf(found), ...rest })
  }

  /** The last step, when the Service is without the address. `marked` is what `mark` gave. */
  async free(marked: AddressClaimObject, holder: ObjectKey): Promise<void> {
    const { holders, leaving } = partsOf(marked)
    const still = leaving.filter((one) => one !== holder)
    if (holders.length + still.length > 0) {
      const { address, pool } = specOf(marked)
      await this.write(marked, { address, pool, holders, ...(still.length > 0 ? { leaving: still } : {}) })
      return
    }
    const { name = '', resourceVersion } = marked.metadata
    const { signal } = this
    await this.client.delete(ADDRESS_CLAIMS, { name }, { resourceVersion, signal }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }

  private async make(claim: AddressClaimObject): Promise<boolean> {
    try {
      await this.client.create(ADDRESS_CLAIMS, claim, { signal: this.signal })
      return true
    } catch (error) {
      if (isAlreadyExists(error)) return false
      throw error
    }
  }

  private async read(address: string): Promise<AddressClaimObject | undefined> {
    try {
      return await this.client.get(ADDRESS_CLAIMS, { name: claimName(address) }, { signal: this.signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  private write(found: AddressClaimObject, spec: Spec): Promise<AddressClaimObject> {
    return this.client.update(ADDRESS_CLAIMS, { ...found, spec }, { signal: this.signal })
  }
}

function specOf({ spec, metadata }: AddressClaimObject): Spec {
  return spec ?? { address: metadata.name ?? '', pool: '', holders: [] }
}

function partsOf(claim: AddressClaimObject): { readonly holders: readonly string[]; readonly leaving: readonly string[] } {
  const { holders = [], leaving = [] } = specOf(claim)
  return { holders, leaving }
}
