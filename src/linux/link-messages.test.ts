import { expect, it } from 'vitest'
import {
  addAddress,
  getNeighbour,
  getRoute,
  neighbourMac,
  ownDestinations,
  parseLinkChanges,
  removeAddress,
} from './link-messages.ts'

it('asks in words that it reads itself: what the kernel tells of an address has the form of the request', () => {
  for (const [address, family, prefixLength] of [
    ['192.0.2.50', 'ipv4', 32],
    ['2001:db8::50', 'ipv6', 128],
  ] as const) {
    const told = { index: 7, family, address, prefixLength }
    expect(parseLinkChanges(addAddress({ index: 7, address }, 1))).toEqual([
      { kind: 'address', gone: false, address: { ...told, bare: true } },
    ])
    expect(parseLinkChanges(removeAddress({ index: 7, address }, 1))).toEqual([
      { kind: 'address', gone: true, address: { ...told, bare: false } },
    ])
  }
})

it('reads an interface as Linux tells of it', () => {
  // ifinfomsg of a veth that is up, then its address and its name
  const body = Buffer.concat([
    Buffer.from('0000010003000000' + '43100100' + '00000000', 'hex'),
    Buffer.from('0a000100' + '02000000000a' + '0000', 'hex'),
    Buffer.from('07000300' + '653000' + '00', 'hex'),
  ])
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + body.length, 0)
  header.writeUInt16LE(16, 4)
  const message = Buffer.concat([header, body])
  const link = { index: 3, name: 'e0', mac: '02:00:00:00:00:0a', up: true, resolves: true }
  expect(parseLinkChanges(message)).toEqual([{ kind: 'link', gone: false, link }])
  message.writeUInt32LE(0x80 | 1, 24) // NOARP, and no carrier
  message.writeUInt16LE(17, 4)
  expect(parseLinkChanges(message)).toEqual([{ kind: 'link', gone: true, link: { ...link, up: false, resolves: false } }])
})

it('takes a neighbour’s hardware address only while it works', () => {
  const answer = (state: number) => {
    const body = Buffer.concat([
      getNeighbour({ index: 3, address: '192.0.2.2' }, 1).subarray(16),
      Buffer.from('0a000200' + '02000000000a' + '0000', 'hex'),
    ])
    body.writeUInt16LE(state, 8)
    return [{ type: 28, body }]
  }
  expect(neighbourMac(answer(0x02))).toBe('02:00:00:00:00:0a')
  expect(neighbourMac(answer(0x20))).toBeUndefined()
  expect(neighbourMac([])).toBeUndefined()
})

it('knows an address of the node by the kind of its route', () => {
  const answer = (address: string, kind: number) => {
    const body = Buffer.from(getRoute(address, 1).subarray(16))
    body[7] = kind
    return { type: 24, body }
  }
  const [local, unicast] = [2, 1]
  const answers = [answer('2001:db8::50', local), answer('2001:db8::51', unicast), answer('192.0.2.50', local)]
  expect([...ownDestinations(answers)]).toEqual(['2001:db8::50', '192.0.2.50'])
})
