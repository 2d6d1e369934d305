import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMessages, parseNewRoutes } from './netlink-messages.ts'

/** One netlink message: type, port, family and attributes. */
function message(type: number, portId: number, family: number, attributes: readonly (readonly [number, Buffer])[]): Buffer {
  const body = attributes.map(([kind, value]) => {
    const padded = Buffer.alloc((4 + value.length + 3) & ~3)
    padded.writeUInt16LE(4 + value.length, 0)
    padded.writeUInt16LE(kind, 2)
    value.copy(padded, 4)
    return padded
  })
  const all = Buffer.concat([Buffer.alloc(20), ...body])
  all.writeUInt32LE(all.length, 0)
  all.writeUInt16LE((10 << 8) | type, 4)
  all.writeUInt32LE(portId, 12)
  all[16] = family
  return all
}

describe('messages of nftables', () => {
  it('name the table of an object, and the sender of a transaction', () => {
    const element = message(12, 7, 2, [
      [1, Buffer.from('fairway\0')],
      [2, Buffer.from('address\0')],
    ])
    const generation = message(15, 4_000_000_000, 0, [[1, Buffer.from([0, 0, 0, 5])]])
    expect(parseMessages(Buffer.concat([element, generation]))).toEqual([
      { table: 'ip fairway', portId: undefined },
      { table: '', portId: 4_000_000_000 },
    ])
  })

  it('end where the datagram ends, whatever it holds', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => Array.isArray(parseMessages(Buffer.from(bytes)))))
    const whole = message(12, 7, 10, [[1, Buffer.from('x\0')]])
    expect(parseMessages(whole.subarray(0, whole.length - 1))).toEqual([])
  })
})

describe('messages of rtnetlink', () => {
  /** RTM_NEWROUTE (24) or RTM_DELROUTE (25) of a family, with a destination (RTA_DST) and an output interface (RTA_OIF). */
  function route(type: number, family: number, prefixLength: number, destination: readonly number[]): Buffer {
    const data = Buffer.alloc(16 + 12 + 8 + 4 + destination.length)
    data.writeUInt32LE(data.length, 0)
    data.writeUInt16LE(type, 4)
    data[16] = family
    data[17] = prefixLength
    data.writeUInt16LE(8, 28)
    data.writeUInt16LE(4, 30)
    data.writeUInt16LE(4 + destination.length, 36)
    data.writeUInt16LE(1, 38)
    data.set(destination, 40)
    return data
  }

  it('name the new IPv4 routes of a datagram', () => {
    const pod = route(24, 2, 32, [10, 244, 1, 7])
    const all = [
      pod,
      route(25, 2, 32, [10, 244, 1, 8]),
      route(
        24,
        10,
        128,
        Array.from({ length: 16 }, () => 1),
      ),
      route(24, 2, 16, [192, 168, 0, 0]),
    ]
    expect(parseNewRoutes(Buffer.concat(all))).toEqual([
      { destination: 0x0af4_0107, prefixLength: 32 },
      { destination: 0xc0a8_0000, prefixLength: 16 },
    ])
  })
})
