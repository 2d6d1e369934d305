/** The protobuf wire format: tags, varints, and bytes with their length. Source: protobuf.dev/programming-guides/encoding. */

/** A body that cannot be read. `unknown`: it may well be right, but its message is not known here. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
  readonly unknown: boolean

  constructor(message: string, unknown = false) {
    super(message)
    this.unknown = unknown
  }
}

/** A field as it stands on the wire: a varint or a fixed number, or bytes. */
export interface WireValue {
  readonly number: number
  readonly value: bigint | Buffer
}

const LONGEST_VARINT = 10

function varint(bytes: Buffer, from: number): { readonly value: bigint; readonly next: number } {
  let value = 0n
  for (let index = 0; index < LONGEST_VARINT; index++) {
    const byte = bytes[from + index]
    if (byte === undefined) throw new ProtobufError('proto: unexpected EOF')
    value |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return { value, next: from + index + 1 }
  }
  throw new ProtobufError('proto: integer overflow')
}

function slice(bytes: Buffer, from: number, length: number): Buffer {
  if (from + length > bytes.length) throw new ProtobufError('proto: unexpected EOF')
  return bytes.subarray(from, from + length)
}

/** The fields of a message in the order written. @throws {ProtobufError} */
export function* wireValues(bytes: Buffer): Generator<WireValue> {
  let at = 0
  while (at < bytes.length) {
    const tag = varint(bytes, at)
    const number = Number(tag.value >> 3n)
    const type = Number(tag.value & 7n)
    at = tag.next
    if (type === 0) {
      const { value, next } = varint(bytes, at)
      yield { number, value }
      at = next
    } else if (type === 2) {
      const length = varint(bytes, at)
      const value = slice(bytes, length.next, Number(length.value))
      yield { number, value }
      at = length.next + value.length
    } else if (type === 1 || type === 5) {
      const value = slice(bytes, at, type === 1 ? 8 : 4)
      yield { number, value: value.length === 8 ? value.readBigUInt64LE() : BigInt(value.readUInt32LE()) }
      at += value.length
    } else throw new ProtobufError(`proto: illegal wireType ${type}`)
  }
}

/** The last value of a field, or undefined. */
export function wireValue(bytes: Buffer, number: number): bigint | Buffer | undefined {
  let found: bigint | Buffer | undefined
  for (const entry of wireValues(bytes)) if (entry.number === number) found = entry.value
  return found
}

export function textOf(value: bigint | Buffer | undefined): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : ''
}

/** A signed number as int32 and int64 have it. */
export function integerOf(value: bigint | Buffer | undefined): number {
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0
}
