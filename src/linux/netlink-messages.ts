/** Netlink messages of nftables, as far as they tell which table was touched and by whom. */

const HEADER = 16
const NFGENMSG = 4
const SUBSYSTEM_NFTABLES = 10
const NEWGEN = 15
/** The first string attribute of every object's message is its table; that of a table is its name. */
const TABLE_ATTRIBUTE = 1
const FAMILIES: Readonly<Record<number, string>> = { 1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6' }

export interface NftMessage {
  /** `family name` of the object's table; '' in the message that ends a transaction. */
  readonly table: string
  /** Only in the message that ends a transaction: the port of the netlink socket that it came by. */
  readonly portId: number | undefined
}

/** Reads all messages of one datagram; what is not nftables' is left out. Integers of headers are in the machine's order (little endian). */
export function parseMessages(data: Buffer): readonly NftMessage[] {
  const messages: NftMessage[] = []
  for (let at = 0; at + HEADER <= data.length; ) {
    const length = data.readUInt32LE(at)
    if (length < HEADER || at + length > data.length) break
    const type = data.readUInt16LE(at + 4)
    if (type >> 8 === SUBSYSTEM_NFTABLES) {
      const body = data.subarray(at + HEADER, at + length)
      const ends = (type & 0xff) === NEWGEN
      messages.push(ends ? { table: '', portId: data.readUInt32LE(at + 12) } : { table: tableOf(body), portId: undefined })
    }
    at += (length + 3) & ~3
  }
  return messages
}

function tableOf(body: Buffer): string {
  const family = FAMILIES[body[0] ?? 0] ?? ''
  for (let at = NFGENMSG; at + 4 <= body.length; ) {
    const length = body.readUInt16LE(at)
    if (length < 4) break
    const kind = body.readUInt16LE(at + 2) & 0x3fff
    if (kind === TABLE_ATTRIBUTE) return `${family} ${body.toString('latin1', at + 4, at + length).replace(/\0.*$/s, '')}`
    at += (length + 3) & ~3
  }
  return ''
}
