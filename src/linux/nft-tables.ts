import { nftTableOf } from './netlink-messages.ts'
import { askNetlink } from './netlink-request.ts'

const NETLINK_NETFILTER = 12
const MSG_NEWTABLE = 10 << 8
const MSG_GETTABLE = (10 << 8) | 1
const F_REQUEST_DUMP = 0x301

/**
 * The names of all nftables tables, as `ip nat`. By netlink: `nft list tables` reads every set of every table first (1 s at 100,000
 * elements, nft 1.0.6). `netns` is a namespace file; the process's own by default.
 * @throws {Error} when the kernel does not answer
 */
export async function listNftTables(netns?: string): Promise<ReadonlySet<string>> {
  const message = Buffer.alloc(20)
  message.writeUInt32LE(message.length, 0)
  message.writeUInt16LE(MSG_GETTABLE, 4)
  message.writeUInt16LE(F_REQUEST_DUMP, 6)
  message.writeUInt32LE(1, 8)
  const { messages, errors } = await askNetlink({ protocol: NETLINK_NETFILTER, messages: [message], netns })
  const [error] = errors.values()
  if (error !== undefined) throw new Error(`nftables' tables cannot be listed: ${error}`)
  return new Set(messages.filter(({ type }) => type === MSG_NEWTABLE).map(({ body }) => nftTableOf(body)))
}
