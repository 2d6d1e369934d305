/** What may be asked of the subresource `scale`: GET, PUT and PATCH, each answered with a Scale. */
import { decodeObject } from './decoding.ts'
import type { Exchange, Verbs } from './exchange.ts'
import type { RawObject } from './kind.ts'
import { APPLY_TYPE, patched } from './patch.ts'
import { addWarnings, renderObject, send } from './reply.ts'
import { mediaType, parseObject, readBody } from './request-body.ts'
import { readScale, SCALE, scaleOf, writeScale } from './scale.ts'
import { applyScale } from './scale-apply.ts'
import { unknownResource } from './status.ts'
import { parseWriteOptions, requireFieldManager } from './write-options.ts'
import type { Writer } from './writer.ts'

export function scaleVerbs(writer: Writer): Verbs {
  return {
    GET: (exchange) => {
      const { mapping, stored } = scaled(writer, exchange)
      answer(exchange, readScale(mapping, stored.object), [])
    },
    PUT: (exchange) => put(writer, exchange),
    PATCH: (exchange) => patch(writer, exchange),
  }
}

/** The object that is scaled. */
function scaled(writer: Writer, { place, target }: Exchange) {
  const { scale: mapping } = target.record
  if (mapping === undefined) throw unknownResource()
  return { mapping, stored: writer.get(place, target.name ?? '') }
}

async function put(writer: Writer, exchange: Exchange): Promise<void> {
  const { request, query, place } = exchange
  const options = parseWriteOptions('UpdateOptions', query, request.headers['user-agent'])
  const raw = parseObject(SCALE.kind, request.headers['content-type'], await readBody(request))
  const { object: scale, warnings } = decodeObject(SCALE, raw, options.fieldValidation)
  const { mapping, stored } = scaled(writer, exchange)
  answer(exchange, writeScale(writer, { place, mapping, scale, options }, stored), warnings)
}

async function patch(writer: Writer, exchange: Exchange): Promise<void> {
  const { request, query, place } = exchange
  const options = parseWriteOptions('PatchOptions', query, request.headers['user-agent'])
  if (mediaType(request.headers['content-type']) === APPLY_TYPE) requireFieldManager(query)
  const body = (await readBody(request)).toString()
  const { mapping, stored } = scaled(writer, exchange)
  const contentType = request.headers['content-type']
  if (mediaType(contentType) === APPLY_TYPE) {
    const applied = applyScale(writer, { place, mapping, options }, { body, old: stored })
    answer(exchange, applied.scale, applied.warnings)
    return
  }
  const { object: scale, warnings } = patched(SCALE, scaleOf(mapping, stored.object), { contentType, body, options })
  answer(exchange, writeScale(writer, { place, mapping, scale, options }, stored), warnings)
}

function answer(exchange: Exchange, scale: RawObject, warnings: readonly string[]): void {
  addWarnings(exchange.response, warnings)
  send(exchange.response, 200, renderObject({ ...exchange.rendering, record: SCALE }, scale), exchange.form)
}
