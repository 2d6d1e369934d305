/** The rules by which the node's packets find the routes that were accepted from neighbours. */
import { run, tryRun } from '../../linux/run.ts'

/** The kernel table of accepted routes: Fairway's own, in the range that nobody assigns. */
export const KERNEL_TABLE = 20819

/** The kernel table with a route for each node that lives; no rule leads to it. */
export const LIVE_KERNEL_TABLE = 20820

/**
 * The node's own routes go first, all but its default route; then those of neighbours; then the main table as ever. So a neighbour
 * can never take traffic from a link or a route of the node, and can give it a better default route.
 */
const RULES: readonly Rule[] = [
  { preference: 32764, table: 'main', words: ['suppress_prefixlength', '0'] },
  { preference: 32765, table: String(KERNEL_TABLE), words: [] },
]

interface Rule {
  readonly preference: number
  readonly table: string
  readonly words: readonly string[]
}

const FAMILIES = ['-4', '-6'] as const

export class TableLookup {
  private readonly enter: readonly string[]

  constructor(netns: string | undefined) {
    this.enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--']
  }

  /**
   * Makes the rules be there, or not. Without them the table is emptied: a BIRD that waits for its neighbours after a restart (graceful
   * restart) leaves there what it found when its kernel protocol is taken out. @throws {FairwayError}
   */
  async set(wanted: boolean): Promise<void> {
    for (const family of FAMILIES) {
      const there = await this.rules(family)
      for (const rule of RULES) {
        if (there !== undefined && there.includes(rule) !== wanted) await this.change(family, wanted ? 'add' : 'del', rule)
      }
    }
    if (!wanted) await this.flush(KERNEL_TABLE)
  }

  /** Takes the rules away, and what is left in the table after a BIRD that could not clear it. @throws {FairwayError} */
  async clear(): Promise<void> {
    await this.set(false)
    await this.flush(LIVE_KERNEL_TABLE)
  }

  /** A table that is not there is empty. */
  private async flush(table: number): Promise<void> {
    for (const family of FAMILIES) await tryRun([...this.enter, 'ip', family, 'route', 'flush', 'table', String(table)])
  }

  /** Those of ours that are there; undefined where the family is not. */
  private async rules(family: string): Promise<readonly Rule[] | undefined> {
    const { exitCode, stdout } = await tryRun([...this.enter, 'ip', '-j', family, 'rule', 'show'])
    if (exitCode !== 0) return undefined
    const there = JSON.parse(stdout || '[]') as readonly { readonly priority: number; readonly table: string }[]
    return RULES.filter(({ preference, table }) => there.some((one) => one.priority === preference && one.table === table))
  }

  private async change(family: string, verb: 'add' | 'del', { preference, table, words }: Rule): Promise<void> {
    await run([...this.enter, 'ip', family, 'rule', verb, 'pref', String(preference), 'lookup', table, ...words])
  }
}
