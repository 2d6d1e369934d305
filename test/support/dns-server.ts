/** A name server of the namespace it runs in: `node dns-server.ts FILE`, a file of lines `NAME ADDRESS`, read again for each question. IPv4 alone; names that are not there are told so. */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const HEADER_IN_BYTES = 12
const TYPE_A = 1
const NO_SUCH_NAME = 3
/** With a line of this word nobody is answered. */
const SILENT = 'silent'

/** The answer to a question of one name. Source: RFC 1035, 4.1. */
function answerTo(query: Buffer, records: ReadonlyMap<string, string>): Buffer {
  const labels: string[] = []
  let at = HEADER_IN_BYTES
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const type = query.readUInt16BE(at + 1)
  const address = records.get(labels.join('.').toLowerCase())
  const isTold = address !== undefined && type === TYPE_A
  const question = query.subarray(HEADER_IN_BYTES, at + 5)
  const header = Buffer.alloc(HEADER_IN_BYTES)
  header.writeUInt16BE(query.readUInt16BE(0), 0)
  header.writeUInt16BE(0x8180 | (address === undefined ? NO_SUCH_NAME : 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(isTold ? 1 : 0, 6)
  if (!isTold) return Buffer.concat([header, question])
  // the name of the question, type, class, time to live, length
  const fixed = Buffer.from([0xc0, HEADER_IN_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4])
  return Buffer.concat([header, question, fixed, Buffer.from(address.split('.').map(Number))])
}

const [, script = '', file = ''] = process.argv
if (import.meta.url === pathToFileURL(script).href) {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const lines = readFileSync(file, 'utf8').split('\n')
    const records = new Map(lines.map((line) => line.split(' ') as [string, string]).filter(([name]) => name !== ''))
    if (!records.has(SILENT)) socket.send(answerTo(query, records), port, address)
  })
  socket.bind(53, '127.0.0.1')
}
