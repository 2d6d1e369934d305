/** What rtnetlink tells of the routes of one table. Source: rtnetlink(7), linux include/uapi/linux/rtnetlink.h. */
import ipaddr from 'ipaddr.js'
import { attribute, messages } from './netlink-messages.ts'

/** A route that is there now, or is gone. */
export interface TableRoute {
  /** The first address of its prefix, canonical. */
  readonly destination: string
  readonly prefixLength: number
  readonly isThere: boolean
}

const RTM_NEWROUTE = 24
const RTM_DELROUTE = 25
const RTMSG = 12
const RTA_DST = 1
const RTA_TABLE = 15
const ADDRESS_LENGTHS: Readonly<Record<number, number>> = { 2: 4, 10: 16 }

/** The routes of a table that a datagram tells of, in its order. */
export function parseTableRoutes(data: Buffer, table: number): readonly TableRoute[] {
  return messages(data).flatMap(({ type, body }) => {
    if ((type !== RTM_NEWROUTE && type !== RTM_DELROUTE) || attribute(body, RTMSG, RTA_TABLE)?.readUInt32LE(0) !== table)
      return []
    const destination = attribute(body, RTMSG, RTA_DST)
    if (destination === undefined || destination.length !== ADDRESS_LENGTHS[body[0] ?? 0]) return []
    const address = ipaddr.fromByteArray([...destination]).toString()
    return [{ destination: address, prefixLength: body[1] ?? 0, isThere: type === RTM_NEWROUTE }]
  })
}
