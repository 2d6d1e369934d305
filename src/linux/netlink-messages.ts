/** Netlink messages, as far as they tell which table of nftables was touched and by whom, and which IPv4 routes are new. */

const HEADER = 16
const NFGENMSG = 4
const SUBSYSTEM_NFTABLES = 10
const NEWGEN = 15
/** The first string attribute of every object's message is its table; that of a table is its name. */
const TABLE_ATTRIBUTE = 1
const FAMILIES: Readonly<Record<number, string>> = { 1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6' }

const RTM_NEWROUTE = 24
const RTMSG = 12
const AF_INET = 2
const RTA_DST = 1

export interface Message {
  readonly type: number
  readonly portId: number
  readonly body: Buffer
}

export interface NftMessage {
  /** `family name` of the object's table; '' in the message that ends a transaction. */
  readonly table: string
  /** Only in the message that ends a transaction: the port of the netlink socket that it came by. */
  readonly portId: number | undefined
}

/** Where a route leads to: `destination` is an IPv4 address as a number, its first octet in the high bits. */
export interface RouteMessage {
  readonly destination: number
  readonly prefixLength: number
}

/** The nftables messages of one datagram; others are left out. */
export function parseMessages(data: Buffer): readonly NftMessage[] {
  return messages(data).flatMap(({ type, portId, body }): readonly NftMessage[] => {
    if (type >> 8 !== SUBSYSTEM_NFTABLES) return []
    return (type & 0xff) === NEWGEN ? [{ table: '', portId }] : [{ table: nftTableOf(body), portId: undefined }]
  })
}

/** The IPv4 routes that a datagram of rtnetlink says are new or changed. Source: rtnetlink(7). */
export function parseNewRoutes(data: Buffer): readonly RouteMessage[] {
  return messages(data).flatMap(({ type, body }) => {
    if (type !== RTM_NEWROUTE || body[0] !== AF_INET) return []
    const destination = attribute(body, RTMSG, RTA_DST)
    return destination?.length === 4 ? [{ destination: destination.readUInt32BE(0), prefixLength: body[1] ?? 0 }] : []
  })
}

/** The messages of one datagram. Integers of headers are in the machine's order (little endian). */
export function messages(data: Buffer): readonly Message[] {
  const found: Message[] = []
  for (let at = 0; at + HEADER <= data.length; ) {
    const length = data.readUInt32LE(at)
    if (length < HEADER || at + length > data.length) break
    found.push({
      type: data.readUInt16LE(at + 4),
      portId: data.readUInt32LE(at + 12),
      body: data.subarray(at + HEADER, at + length),
    })
    at += (length + 3) & ~3
  }
  return found
}

/** `family name` of the table that a message of nftables is about; `body` is what follows netlink's header. */
export function nftTableOf(body: Buffer): string {
  const name = attribute(body, NFGENMSG, TABLE_ATTRIBUTE)
  return name === undefined ? '' : `${FAMILIES[body[0] ?? 0] ?? ''} ${name.toString('latin1').replace(/\0.*$/s, '')}`
}

/** The first attribute of a kind, after a fixed header of `from` bytes. */
export function attribute(body: Buffer, from: number, kind: number): Buffer | undefined {
  for (let at = from; at + 4 <= body.length; ) {
    const length = body.readUInt16LE(at)
    if (length < 4) break
    if ((body.readUInt16LE(at + 2) & 0x3fff) === kind) return body.subarray(at + 4, at + length)
    at += (length + 3) & ~3
  }
  return undefined
}
