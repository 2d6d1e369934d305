/**
 * The nft table `arp fairway_l2`: an announced IPv4 address is answered for on its interfaces only. The kernel by itself would answer on every
 * interface; sysctls would change that for addresses of others, too.
 */
import { isDeepStrictEqual } from 'node:util'
import { Libnftables } from '../../linux/libnftables.ts'
import { L2_CHANGE_FAILED } from '../../model/codes/l2.ts'
import { EngineError } from '../../model/engine.ts'

export const TABLE = { family: 'arp', name: 'fairway_l2' } as const
const PLACE = { family: TABLE.family, table: TABLE.name } as const

const DADDR = { payload: { protocol: 'arp', field: 'daddr ip' } }
const RULE = [
  { match: { op: '==', left: DADDR, right: '@addresses' } },
  { match: { op: '!=', left: { concat: [{ meta: { key: 'iifname' } }, DADDR] }, right: '@answers' } },
  { drop: null },
]
const SETS = [
  { set: { ...PLACE, name: 'addresses', type: 'ipv4_addr' } },
  { set: { ...PLACE, name: 'answers', type: ['ifname', 'ipv4_addr'] } },
]
const CHAIN = { ...PLACE, name: 'in', type: 'filter', hook: 'input', prio: 0, policy: 'accept' }
const MAKE = [
  { add: { table: TABLE } },
  { delete: { table: TABLE } },
  { add: { table: TABLE } },
  ...SETS.map((set) => ({ add: set })),
  { add: { chain: CHAIN } },
  { add: { rule: { ...PLACE, chain: 'in', expr: RULE } } },
]

type Element = string | { readonly concat: readonly [string, string] }
interface Listed {
  readonly set?: { readonly name: string; readonly elem?: readonly Element[] }
  readonly rule?: { readonly expr: unknown }
  readonly chain?: Readonly<Record<string, unknown>>
}

/** Places are named as `placeOf` names them: `INTERFACE ADDRESS`. */
export class AnswerTable {
  private readonly nft: Libnftables

  constructor(netns?: string) {
    this.nft = new Libnftables(netns)
  }

  get portId(): number | undefined {
    return this.nft.portId
  }

  /** Undefined when the table is not there, or is not as it is written here. */
  async read(): Promise<ReadonlySet<string> | undefined> {
    const { ok, output } = await this.nft.run(JSON.stringify({ nftables: [{ list: { table: TABLE } }] }))
    if (!ok) return undefined
    const listed = (JSON.parse(output) as { readonly nftables: readonly Listed[] }).nftables
    const rules = listed.flatMap(({ rule }) => (rule === undefined ? [] : [rule.expr]))
    const chain = listed.find((one) => one.chain !== undefined)?.chain
    const asWritten = isDeepStrictEqual(rules, [RULE]) && chain?.hook === 'input' && chain.policy === 'accept'
    const set = (name: string) => listed.find((one) => one.set?.name === name)?.set?.elem ?? []
    const answers = new Set(set('answers').flatMap((element) => (typeof element === 'string' ? [] : element.concat.join(' '))))
    const consistent = isDeepStrictEqual(addressesOf(answers), new Set(set('addresses')))
    return asWritten && consistent ? answers : undefined
  }

  async write(wanted: ReadonlySet<string>, before: ReadonlySet<string> | undefined): Promise<void> {
    const [was, is] = [addressesOf(before ?? new Set()), addressesOf(wanted)]
    const commands: object[] = before === undefined ? [...MAKE] : []
    const element = (verb: 'add' | 'delete', name: string, elem: readonly Element[]) => {
      if (elem.length > 0) commands.push({ [verb]: { element: { ...PLACE, name, elem } } })
    }
    element('add', 'answers', [...wanted.difference(before ?? new Set())].map(elementOf))
    element('add', 'addresses', [...is.difference(was)])
    element('delete', 'addresses', [...was.difference(is)])
    element('delete', 'answers', [...(before ?? new Set<string>()).difference(wanted)].map(elementOf))
    if (commands.length > 0) await this.change(commands)
  }

  async remove(): Promise<void> {
    await this.change([{ add: { table: TABLE } }, { delete: { table: TABLE } }])
  }

  close(): void {
    this.nft.close()
  }

  private async change(commands: readonly object[]): Promise<void> {
    const { ok, errors } = await this.nft.run(JSON.stringify({ nftables: commands }))
    if (!ok) throw new EngineError(L2_CHANGE_FAILED, `The kernel refused the ARP rules of announced addresses: ${errors.trim()}`)
  }
}

function addressesOf(places: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...places].map((place) => elementOf(place).concat[1]))
}

function elementOf(place: string): { readonly concat: readonly [string, string] } {
  const [name = '', address = ''] = place.split(' ')
  return { concat: [name, address] }
}
