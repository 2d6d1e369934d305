import { Libnftables } from '../../linux/libnftables.ts'
import { listenToNftables, type NftListener, type NftTransaction } from '../../linux/netlink-nftables.ts'
import { tryRun } from '../../linux/run.ts'
import { DATAPATH_APPLY_FAILED, DATAPATH_READ_FAILED } from '../../model/codes/datapath.ts'
import { EngineError } from '../../model/engine.ts'
import type { NftCommand, NftFamily, NftObject } from './json.ts'
import { TABLE } from './skeleton.ts'
import { type Declarations, tableText } from './text.ts'
import type { NftTransport } from './transport.ts'

const OURS: ReadonlySet<string> = new Set([`ip ${TABLE}`, `ip6 ${TABLE}`])

/** The kernel's nftables: changes in process through libnftables, listings by a child process. */
export function kernelTransport(netns: string | undefined): NftTransport {
  const library = new Libnftables(netns)
  let listener: NftListener | undefined
  const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--']
  const transact = async (text: string): Promise<void> => {
    const result = await library.run(text)
    if (!result.ok) throw new EngineError(DATAPATH_APPLY_FAILED, `nftables refused a change: ${firstLine(result.errors)}`)
  }
  return {
    declare: (tables: readonly Declarations[], fresh: readonly NftFamily[]) => {
      const forget = fresh.map((family) => `add table ${family} ${TABLE}\ndelete table ${family} ${TABLE}\n`)
      return transact([...forget, ...tables.map(tableText)].join(''))
    },
    run: (commands: readonly NftCommand[]) => transact(JSON.stringify({ nftables: commands })),
    remove: (families) =>
      transact(families.map((family) => `add table ${family} ${TABLE}\ndelete table ${family} ${TABLE}\n`).join('')),
    async list(family, signal) {
      const result = await tryRun([...enter, 'nft', '-j', 'list', 'table', family, TABLE], { signal })
      if (result.exitCode !== 0 && result.stderr.includes('No such file or directory')) return undefined
      if (result.exitCode !== 0)
        throw new EngineError(DATAPATH_READ_FAILED, `\`nft list table ${family} ${TABLE}\` failed: ${result.stderr.trim()}`)
      return (JSON.parse(result.stdout) as { nftables: readonly NftObject[] }).nftables
    },
    async watch(onForeignChange) {
      const isForeign = ({ lost, portId, tables }: NftTransaction) =>
        lost || (portId !== library.portId && tables.some((name) => OURS.has(name)))
      listener = await listenToNftables((transaction) => {
        if (isForeign(transaction)) onForeignChange()
      }, netns)
    },
    async close() {
      await listener?.close()
      library.close()
    },
  }
}

function firstLine(text: string): string {
  return text.split('\n').find((line) => line.trim() !== '') ?? 'it did not say why'
}
