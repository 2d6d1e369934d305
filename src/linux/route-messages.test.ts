import { expect, test } from 'vitest'
import { parseTableRoutes } from './route-messages.ts'

/** One message as rtnetlink makes it, with the attributes RTA_TABLE (15) and RTA_DST (1). */
function message(type: number, family: number, length: number, table: number, destination: readonly number[]): Buffer {
  const attribute = (kind: number, value: Buffer): Buffer => {
    const head = Buffer.alloc(4)
    head.writeUInt16LE(4 + value.length, 0)
    head.writeUInt16LE(kind, 2)
    return Buffer.concat([head, value])
  }
  const number = Buffer.alloc(4)
  number.writeUInt32LE(table)
  const fixed = Buffer.alloc(12)
  fixed[0] = family
  fixed[1] = length
  const body = Buffer.concat([fixed, attribute(15, number), attribute(1, Buffer.from(destination))])
  const head = Buffer.alloc(16)
  head.writeUInt32LE(16 + body.length, 0)
  head.writeUInt16LE(type, 4)
  return Buffer.concat([head, body])
}

const SIX = [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 9]

test('routes of the table, of both families, in their order; others are left out', () => {
  const data = Buffer.concat([
    message(24, 2, 32, 20820, [192, 0, 2, 7]),
    message(24, 2, 32, 254, [192, 0, 2, 8]),
    message(25, 10, 128, 20820, SIX),
    message(20, 2, 32, 20820, [192, 0, 2, 9]),
    message(25, 2, 24, 20820, [192, 0, 2, 0]),
  ])
  expect(parseTableRoutes(data, 20820)).toEqual([
    { destination: '192.0.2.7', prefixLength: 32, isThere: true },
    { destination: '2001:db8::9', prefixLength: 128, isThere: false },
    { destination: '192.0.2.0', prefixLength: 24, isThere: false },
  ])
})
