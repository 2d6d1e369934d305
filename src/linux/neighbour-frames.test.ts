import { describe, expect, it } from 'vitest'
import { announcement, parseClaim, question } from './neighbour-frames.ts'

const MAC = '02:00:00:00:00:0a'
const OTHER = '02:00:00:00:00:0b'
const hex = (frame: Buffer | undefined) => frame?.toString('hex')
const payload = (frame: Buffer | undefined) => frame?.subarray(14) ?? Buffer.alloc(0)

describe('frames of ARP and neighbour discovery', () => {
  it('announces IPv4 in both forms of ARP', () => {
    const [request, reply] = announcement({ address: '192.0.2.50', mac: MAC })
    expect(hex(request)).toBe(
      'ffffffffffff02000000000a0806' + '0001080006040001' + '02000000000ac0000232' + '000000000000c0000232',
    )
    expect(hex(reply)).toBe('ffffffffffff02000000000a0806' + '0001080006040002' + '02000000000ac0000232' + '02000000000ac0000232')
  })

  it('announces IPv6 by an override advertisement to all nodes, with a checksum that is right', () => {
    const [frame] = announcement({ address: '2001:db8::50', mac: MAC })
    expect(hex(frame?.subarray(0, 14))).toBe('33330000000102000000000a86dd')
    const [ip, body] = [payload(frame).subarray(0, 40), payload(frame).subarray(40)]
    expect(hex(ip)).toBe('6000000000203aff' + '20010db8000000000000000000000050' + 'ff020000000000000000000000000001')
    expect(hex(body.subarray(4))).toBe('20000000' + '20010db8000000000000000000000050' + '020102000000000a')
    expect(sumOf(ip, body)).toBe(0xffff)
  })

  it('asks a known neighbour alone, and an unknown one through everybody', () => {
    const asking = { address: '192.0.2.1', mac: MAC }
    expect(hex(question(asking, '192.0.2.2', OTHER))).toBe(
      '02000000000b02000000000a0806' + '0001080006040001' + '02000000000ac0000201' + '000000000000c0000202',
    )
    expect(hex(question(asking, '192.0.2.2', undefined).subarray(0, 6))).toBe('ffffffffffff')
    const six = question({ address: '2001:db8::1', mac: MAC }, '2001:db8::1234:5678', undefined)
    expect(hex(six.subarray(0, 6))).toBe('3333ff345678')
    expect(hex(payload(six).subarray(24, 40))).toBe('ff0200000000000000000001ff345678')
    const known = question({ address: '2001:db8::1', mac: MAC }, '2001:db8::2', OTHER)
    expect(hex(known.subarray(0, 6))).toBe('02000000000b')
    expect(hex(payload(known).subarray(24, 40))).toBe('20010db8000000000000000000000002')
  })

  it('reads back who claims what', () => {
    for (const address of ['192.0.2.50', '2001:db8::50']) {
      const family = address.includes(':') ? 'ipv6' : 'ipv4'
      for (const frame of announcement({ address, mac: MAC }))
        expect(parseClaim(payload(frame), OTHER)).toEqual({ family, address, mac: MAC })
    }
    expect(parseClaim(payload(question({ address: '2001:db8::1', mac: MAC }, '2001:db8::2', OTHER)), OTHER)).toEqual({
      family: 'ipv6',
      address: '2001:db8::1',
      mac: MAC,
    })
  })

  it('takes nothing from a probe before use, from beyond a router, or from a frame that is cut off', () => {
    const probe = payload(question({ address: '0.0.0.0', mac: MAC }, '192.0.2.50', undefined))
    expect(parseClaim(probe, OTHER)).toBeUndefined()
    expect(parseClaim(payload(question({ address: '::', mac: MAC }, '2001:db8::2', undefined)), OTHER)).toBeUndefined()
    const far = Buffer.from(payload(announcement({ address: '2001:db8::50', mac: MAC })[0]))
    far[7] = 254
    expect(parseClaim(far, OTHER)).toBeUndefined()
    for (const address of ['192.0.2.50', '2001:db8::50']) {
      const whole = payload(announcement({ address, mac: MAC })[0])
      for (let length = 0; length < 28; length += 1) expect(parseClaim(whole.subarray(0, length), OTHER)).toBeUndefined()
    }
  })

  it('names the frame’s sender when an advertisement names no hardware address', () => {
    const bare = payload(announcement({ address: '2001:db8::50', mac: MAC })[0]).subarray(0, 64)
    expect(parseClaim(bare, OTHER)).toEqual({ family: 'ipv6', address: '2001:db8::50', mac: OTHER })
  })
})

/** The sum that a receiver makes over pseudo header and body: all ones when the checksum is right. */
function sumOf(ip: Buffer, body: Buffer): number {
  const all = Buffer.concat([ip.subarray(8, 40), Buffer.from([0, 0, 0, body.length, 0, 0, 0, 58]), body])
  let sum = 0
  for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}
