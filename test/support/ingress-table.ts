/** test/golden/ingress/cases.tsv: what requests for the objects of Kubernetes' ingress-controller-conformance are answered with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A request, and who answers it: the name of a Service, or the status of the gateway's own answer. */
export interface IngressCase {
  /** '' for none. */
  readonly host: string
  readonly path: string
  readonly answer: string
  readonly scheme: 'http' | 'https'
  readonly method: string
  /** What else is said of it, as it is written; '' for nothing. */
  readonly remark: string
}

export interface TableLine {
  /** As in the first column: which objects are asked. */
  readonly ingress: string
  /** The line as it is written, which tells it apart. */
  readonly text: string
  /** Absent: more than one request, or none. */
  readonly one?: IngressCase
}

const FILE = join(import.meta.dirname, '../golden/ingress/cases.tsv')
const EXPECTED = /^(?:200 (?<service>[a-z-]+)|(?<status>404))(?: \((?<method>[A-Z]{3,})\))?(?<remark>(?:[ ,].*)?)$/

export const TABLE: readonly TableLine[] = readFileSync(FILE, 'utf8').trim().split('\n').slice(1).map(lineOf)

/** The single requests for some objects, in the order of the table. */
export function tableCases(ingress: string): readonly IngressCase[] {
  return TABLE.flatMap((line) => (line.ingress === ingress && line.one !== undefined ? [line.one] : []))
}

function lineOf(text: string): TableLine {
  const [ingress = '', scheme = '', host = '', path = '', expect = ''] = text.split('\t')
  const { service, status = '', method = 'GET', remark = '' } = EXPECTED.exec(expect)?.groups ?? {}
  const answer = service ?? status
  if (answer === '' || (scheme !== 'http' && scheme !== 'https')) return { ingress, text }
  const asked = { host: host === '(none)' ? '' : host, path: path.replace(/ \(dup\)$/, '') }
  return { ingress, text, one: { ...asked, answer, scheme, method, remark: remark.replace(/^[ ,]+/, '') } }
}
