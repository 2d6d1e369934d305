/**
 * What nft prints of a fairway table, without what clients are remembered by: a map of 262,144 clients would take ten seconds and
 * half a gigabyte. nft 1.0 reads every element of a table to print its rules; so where many clients are remembered rules are not read.
 */
import type { Family } from '../../model/world.ts'
import { formOf } from './group-chain.ts'
import type { NftObject } from './json.ts'
import { sets } from './skeleton.ts'
import { TABLE, WORDS } from './words.ts'

/** Bytes of one document of nft's JSON, in the pieces that they came in. */
export type Document = readonly Uint8Array[]

export interface Listing {
  /** None when the table is not there. Of a set that is in several the last says what is in it. */
  readonly documents: readonly Document[]
  /** Whether rules are in it. */
  readonly rules: boolean
}

export type Listings = Readonly<Record<Family, Listing>>

/** Ways to ask the kernel. */
export interface Asking {
  /** Runs `nft -j` with more arguments; undefined when what it is asked for is not there. */
  nft(args: readonly string[]): Promise<Document | undefined>
  /** How many clients are remembered; undefined when the kernel does not say. */
  countClients(family: Family): Promise<number | undefined>
}

/** So many clients are read in half a second. */
const MANY_CLIENTS = 16_384

/** What changes between two questions must be heard of in another way. */
export async function listTable({ nft, countClients }: Asking, family: Family): Promise<Listing> {
  const at = WORDS[family].nft
  const clients = await countClients(family)
  const chains = clients !== undefined && clients <= MANY_CLIENTS ? undefined : await nft(['list', 'chains', at])
  if (chains === undefined || !objectsOf([chains]).some(isOfClients)) {
    const whole = await nft(['list', 'table', at, TABLE])
    return { documents: whole === undefined ? [] : [whole], rules: true }
  }
  const documents: (Document | undefined)[] = [chains]
  for (const kind of ['sets', 'maps']) documents.push(await nft(['--terse', 'list', kind, at]))
  for (const { name, map, flags = [] } of sets(WORDS[family])) {
    if (!flags.includes('dynamic')) documents.push(await nft(['list', map === undefined ? 'set' : 'map', at, TABLE, name]))
  }
  return { documents: documents.filter((one) => one !== undefined), rules: false }
}

/** The objects of fairway's table in documents. */
export function objectsOf(documents: readonly Document[]): readonly NftObject[] {
  return documents
    .filter((pieces) => pieces.length > 0)
    .flatMap((pieces) => (JSON.parse(Buffer.concat(pieces).toString()) as { nftables: readonly NftObject[] }).nftables)
    .filter((object) => Object.values(object).some(({ table }: { table?: string }) => table === TABLE))
}

/** A chain that remembers clients. */
function isOfClients(object: NftObject): boolean {
  return 'chain' in object && (formOf(object.chain.name)?.affinityInSeconds ?? 0) > 0
}
