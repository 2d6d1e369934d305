/** Request bodies: read whole, then as JSON, YAML or protobuf. */
import type { IncomingMessage } from 'node:http'
import { parse as parseYaml } from 'yaml'
import { decodeUnknown, PROTOBUF_TYPE, ProtobufError } from './protobuf/decode.ts'
import { badRequest, tooLarge, unsupportedMediaType } from './status.ts'

const LIMIT_IN_BYTES = 3 * 1024 * 1024

/** Media types that objects may come in. */
const OBJECT_TYPES: readonly string[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

/** @throws {ApiError} 413 beyond 3 MiB, as a real server */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LIMIT_IN_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export const mediaType = (header: string | undefined): string => (header ?? '').split(';')[0]?.trim().toLowerCase() ?? ''

/**
 * An object as JSON has it.
 * @throws {ApiError} 415 for other media types and messages that are not known here, 400 when it cannot be read
 */
export function parseObject(kind: string, contentType: string | undefined, body: Buffer): unknown {
  const media = mediaType(contentType) || 'application/json'
  if (media === 'application/json') return parseJson(kind, body.toString())
  if (media === 'application/yaml') return parseYamlBody(body.toString())
  if (media === PROTOBUF_TYPE) return parseProtobuf(kind, body)
  throw unsupportedMediaType(OBJECT_TYPES)
}

function parseProtobuf(kind: string, body: Buffer): unknown {
  try {
    return decodeUnknown(body)
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
    if (error.unknown) throw unsupportedMediaType(OBJECT_TYPES)
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${error.message}`)
  }
}

function parseJson(kind: string, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    const reason =
      body === ''
        ? 'unexpected end of JSON input (<empty>)'
        : `${(error as Error).message} (${Buffer.from(body).toString('hex').slice(0, 64)}...)`
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${reason}`,
    )
  }
}

/** JSON is YAML, so this reads patches of server-side apply too. @throws {ApiError} 400 */
export function parseYamlBody(body: string): unknown {
  try {
    return parseYaml(body, { maxAliasCount: 100, uniqueKeys: true })
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message.split('\n')[0]}`)
  }
}
