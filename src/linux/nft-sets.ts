import { attribute } from './netlink-messages.ts'
import { askNetlink } from './netlink-request.ts'

const NETLINK_NETFILTER = 12
const MSG_NEWSET = (10 << 8) | 9
const MSG_GETSET = (10 << 8) | 10
const F_REQUEST_ACK = 0x5
const FAMILIES = { ip: 2, ip6: 10 } as const
const NFGENMSG = 4
const SET_TABLE = 1
const SET_NAME = 2
const SET_COUNT = 20

/** A set or map of one table. */
export interface NftSet {
  readonly family: keyof typeof FAMILIES
  readonly table: string
  readonly name: string
}

/**
 * How many elements a set or map has, without reading any. Undefined where the kernel does not say (before Linux 6.16), and when there
 * is no such set. `netns` is a namespace file; the process's own by default. Source: linux include/uapi/linux/netfilter/nf_tables.h.
 * @throws {Error} when the kernel does not answer
 */
export async function countNftElements({ family, table, name }: NftSet, netns?: string): Promise<number | undefined> {
  const body = Buffer.concat([Buffer.from([FAMILIES[family], 0, 0, 0]), text(SET_TABLE, table), text(SET_NAME, name)])
  const header = Buffer.alloc(16)
  header.writeUInt32LE(header.length + body.length, 0)
  header.writeUInt16LE(MSG_GETSET, 4)
  header.writeUInt16LE(F_REQUEST_ACK, 6)
  header.writeUInt32LE(1, 8)
  const { messages } = await askNetlink({ protocol: NETLINK_NETFILTER, messages: [Buffer.concat([header, body])], netns })
  const answer = messages.find(({ type }) => type === MSG_NEWSET)
  const count = answer === undefined ? undefined : attribute(answer.body, NFGENMSG, SET_COUNT)
  return count?.length === 4 ? count.readUInt32BE(0) : undefined
}

/** A string attribute, with its end and padding. */
function text(kind: number, value: string): Buffer {
  const bytes = Buffer.from(`${value}\0`)
  const whole = Buffer.alloc((4 + bytes.length + 3) & ~3)
  whole.writeUInt16LE(4 + bytes.length, 0)
  whole.writeUInt16LE(kind, 2)
  bytes.copy(whole, 4)
  return whole
}
