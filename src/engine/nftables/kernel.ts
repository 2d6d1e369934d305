import { Libnftables } from '../../linux/libnftables.ts'
import { listenToNftables, type NetlinkListener } from '../../linux/netlink-listener.ts'
import { DATAPATH_APPLY_FAILED } from '../../model/codes/datapath.ts'
import { EngineError } from '../../model/engine.ts'
import { commandText } from './command-text.ts'
import type { NftCommand, NftFamily } from './json.ts'
import { readTables } from './reader.ts'
import { type Declarations, tableText } from './text.ts'
import type { NftTransport } from './transport.ts'
import { TABLE } from './words.ts'

const OURS: ReadonlySet<string> = new Set([`ip ${TABLE}`, `ip6 ${TABLE}`])

/** The kernel's nftables: changes in process through libnftables, listings by a worker thread. */
export function kernelTransport(netns: string | undefined): NftTransport {
  const library = new Libnftables(netns)
  let listener: NetlinkListener | undefined
  const transact = async (text: string): Promise<void> => {
    const result = await library.run(text)
    if (!result.ok) throw new EngineError(DATAPATH_APPLY_FAILED, `nftables refused a change: ${firstLine(result.errors)}`)
  }
  return {
    declare: (tables: readonly Declarations[]) => transact(tables.map(tableText).join('')),
    replace: (families, tables, commands) =>
      transact([...families.map(removal), ...tables.map(tableText), ...commands.map(commandText)].join('')),
    run: (commands: readonly NftCommand[]) => transact(JSON.stringify({ nftables: commands })),
    remove: (families) => transact(families.map(removal).join('')),
    read: (signal) => readTables(netns, signal),
    async watch(onForeignChange) {
      listener = await listenToNftables({
        onHeard: ({ portId, tables }) => {
          if (portId !== library.portId && tables.some((name) => OURS.has(name))) onForeignChange()
        },
        onLost: onForeignChange,
        ...(netns === undefined ? {} : { netns }),
      })
    },
    async close() {
      await listener?.close()
      library.close()
    },
  }
}

/** Also of a table that is not there. */
function removal(family: NftFamily): string {
  return `add table ${family} ${TABLE}\ndelete table ${family} ${TABLE}\n`
}

function firstLine(text: string): string {
  return text.split('\n').find((line) => line.trim() !== '') ?? 'it did not say why'
}
