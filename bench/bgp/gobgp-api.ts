/** GoBGP's gRPC interface, as much of it as feeding takes: `AddPathStream` of GoBGP 3 (api/gobgp.proto), over HTTP/2 and a Unix socket. */
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'

/** A route that GoBGP is to announce, or, `withdrawn`, no longer. */
export interface GobgpPath {
  readonly address: string
  readonly length: number
  readonly nextHop: string
  readonly withdrawn: boolean
}

/** gRPC's own limit of a message is 4 MiB; a path takes some 170 bytes. */
const PATHS_A_MESSAGE = 1_000
const FRAME_HEAD_BYTES = 5
const [AFI_IP, SAFI_UNICAST, ORIGIN_INCOMPLETE] = [1, 1, 2]

export class GobgpApi {
  private readonly session: ReturnType<typeof connectHttp2>

  constructor(socketFile: string) {
    this.session = connectHttp2('http://localhost', { createConnection: () => connect(socketFile) })
    this.session.on('error', () => undefined) // the requests fail, and say so
  }

  /** Encodes the paths, and returns what sends them in one stream and resolves when GoBGP has taken all. @throws {Error} with GoBGP's words */
  prepare(paths: readonly GobgpPath[]): () => Promise<void> {
    const frames: Buffer[] = []
    for (let at = 0; at < paths.length; at += PATHS_A_MESSAGE) {
      const part = paths.slice(at, at + PATHS_A_MESSAGE)
      frames.push(frame(part.map((path) => bytes(3, encode(path)))))
    }
    return () => this.send(frames)
  }

  close(): void {
    this.session.close()
  }

  private send(frames: readonly Buffer[]): Promise<void> {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': '/apipb.GobgpApi/AddPathStream',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const done = new Promise<void>((resolve, reject) => {
      let failure = 'there was no answer'
      const judge = (headers: Readonly<Record<string, unknown>>) => {
        if (headers['grpc-status'] === undefined) return
        failure = headers['grpc-status'] === '0' ? '' : `${headers['grpc-status']} ${headers['grpc-message'] ?? ''}`
      }
      stream.on('response', judge)
      stream.on('trailers', judge)
      stream.on('error', reject)
      stream.on('close', () => (failure === '' ? resolve() : reject(new Error(`GoBGP: ${failure}`))))
    })
    stream.resume()
    for (const one of frames) stream.write(one)
    stream.end()
    return done
  }
}

function encode({ address, length, nextHop, withdrawn }: GobgpPath): Buffer {
  return Buffer.concat([
    bytes(1, packed('IPAddressPrefix', [number(1, length), text(2, address)])),
    bytes(2, packed('OriginAttribute', [number(1, ORIGIN_INCOMPLETE)])),
    bytes(2, packed('NextHopAttribute', [text(1, nextHop)])),
    ...(withdrawn ? [number(5, 1)] : []),
    bytes(9, Buffer.concat([number(1, AFI_IP), number(2, SAFI_UNICAST)])),
  ])
}

/** `google.protobuf.Any` */
function packed(type: string, fields: readonly Buffer[]): Buffer {
  return Buffer.concat([text(1, `type.googleapis.com/apipb.${type}`), bytes(2, Buffer.concat(fields))])
}

function frame(fields: readonly Buffer[]): Buffer {
  const message = Buffer.concat(fields)
  const head = Buffer.alloc(FRAME_HEAD_BYTES) // not compressed
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Protocol Buffers: a tag says a field's number and its form, 0 a number and 2 bytes with their count before them. */
function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)])
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value])
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value))
}

function varint(value: number): Buffer {
  const octets: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) octets.push((rest & 0x7f) | 0x80)
  return Buffer.from([...octets, rest])
}
