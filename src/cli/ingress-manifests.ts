/** Ingresses of older API versions in manifests, as networking.k8s.io/v1 has them; every other word of the manifests stays as it is. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments, type YAMLMap } from 'yaml'
import { FairwayError } from '../model/code.ts'
import { USAGE_FILE_INVALID } from '../model/codes/usage.ts'

export interface ConvertedManifests {
  readonly text: string
  /** How many objects are written otherwise now. */
  readonly count: number
  /** Every Ingress that is in it, as JSON, as it is now. */
  readonly ingresses: readonly unknown[]
}

const V1 = 'networking.k8s.io/v1'
const OLDER: readonly string[] = ['extensions/v1beta1', 'networking.k8s.io/v1beta1']
const KINDS: readonly string[] = ['Ingress', 'IngressClass']
const CLASS = 'kubernetes.io/ingress.class'

/**
 * Order:  documents stay in their order, with their comments; those of which nothing is older stay letter by letter.
 * Source: Kubernetes deprecation guide, v1.22, Ingress; pkg/apis/networking/v1beta1/conversion.go.
 *
 * @throws {FairwayError} USAGE_FILE_INVALID for what is no YAML. `where` names the text.
 */
export function convertManifests(text: string, where: string): ConvertedManifests {
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) return { text, count: 0, ingresses: [] }
  let out = ''
  let end = 0
  let count = 0
  const ingresses: unknown[] = []
  for (const [at, document] of documents.entries()) {
    const [wrong] = document.errors
    if (wrong !== undefined) throw invalid(documents.length > 1 ? `${where}, document ${at + 1},` : where, wrong.message)
    const [start, , after] = document.range
    const source = text.slice(end, after)
    const objects = objectsOf(document)
    const changed = objects.filter((one) => convertObject(document, one)).length
    // what is before a document is a comment, which the document has too
    out += changed === 0 ? source : printed(document, text.slice(start, after))
    ingresses.push(...objects.filter((one) => isIngress(one)).map((one) => one.toJS(document)))
    count += changed
    end = after
  }
  return { text: out + text.slice(end), count, ingresses }
}

function isIngress(object: YAMLMap): boolean {
  return object.get('kind') === 'Ingress' && object.get('apiVersion') === V1
}

function printed(document: Document.Parsed, source: string): string {
  const isJson = /^\s*\{/.test(source.replace(/^---\s*/, ''))
  if (isJson) return `${source.startsWith('---') ? '---\n' : ''}${JSON.stringify(document.toJS(), null, 2)}\n`
  const indentSeq = !/^( *)[^\s#-][^\n]*:[^\S\n]*\n\1- /m.test(source)
  return document.toString({ lineWidth: 0, indentSeq, flowCollectionPadding: /[[{] \S/.test(source) })
}

function objectsOf(document: Document.Parsed): readonly YAMLMap[] {
  const root = document.contents
  if (!isMap(root)) return []
  const items = resolved(document, root.get('items', true))
  if (!String(root.get('kind')).endsWith('List') || !isSeq(items)) return [root]
  return items.items.flatMap((item) => mapOf(document, item) ?? [])
}

/** Whether anything of it is older. */
function convertObject(document: Document, object: YAMLMap): boolean {
  if (!KINDS.includes(String(object.get('kind'))) || !OLDER.includes(String(object.get('apiVersion')))) return false
  object.set('apiVersion', V1)
  const spec = mapOf(document, object.get('spec', true))
  if (object.get('kind') === 'Ingress' && spec !== undefined) {
    convertSpec(document, spec)
    moveClass(document, object, spec)
  }
  return true
}

function convertSpec(document: Document, spec: YAMLMap): void {
  const backend = spec.items.find(({ key }) => isScalar(key) && key.value === 'backend')
  if (backend !== undefined) backend.key = document.createNode('defaultBackend')
  convertBackend(document, spec.get('defaultBackend', true))
  for (const rule of itemsOf(document, spec.get('rules', true))) {
    const http = mapOf(document, rule.get('http', true))
    for (const path of itemsOf(document, http?.get('paths', true))) {
      convertBackend(document, path.get('backend', true))
      if (path.has('pathType')) continue
      const type = document.createPair('pathType', 'ImplementationSpecific')
      const at = path.items.findIndex(({ key }) => isScalar(key) && key.value === 'path')
      path.items.splice(at + 1, 0, type)
      if (at === -1) keepCommentFirst(path)
    }
  }
}

/** A comment before the first pair belongs to the place, not to what was first there. */
function keepCommentFirst({ items }: YAMLMap): void {
  const [first, second] = items
  if (isScalar(first?.key) && isScalar(second?.key) && second.key.commentBefore) {
    first.key.commentBefore = second.key.commentBefore
    second.key.commentBefore = null
  }
}

/** `serviceName` and `servicePort` become `service`, in their place. */
function convertBackend(document: Document, node: unknown): void {
  const backend = mapOf(document, node)
  if (backend === undefined || !(backend.has('serviceName') || backend.has('servicePort'))) return
  const service = document.createPair('service', {})
  const parts = document.createNode({}) as YAMLMap
  const name = backend.get('serviceName', true)
  if (name !== undefined) parts.set('name', name)
  const port = backend.get('servicePort', true)
  if (port !== undefined) parts.set('port', portOf(document, port))
  service.value = parts
  const at = backend.items.findIndex(({ key }) => isScalar(key) && /^service(Name|Port)$/.test(String(key.value)))
  const rest = backend.items.filter(({ key }) => !(isScalar(key) && /^service(Name|Port)$/.test(String(key.value))))
  rest.splice(at, 0, service)
  backend.items = rest
}

/** By number or by name; a number in quotes is one. */
function portOf(document: Document, port: Node): YAMLMap {
  const value = isScalar(port) ? port.value : undefined
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))
  const map = document.createNode({}) as YAMLMap
  if (isScalar(port) && typeof value === 'string' && isNumber)
    Object.assign(port, { value: Number(value), type: 'PLAIN', source: value })
  map.set(isNumber ? 'number' : 'name', port)
  return map
}

/** An Ingress must not say its class twice. */
function moveClass(document: Document, object: YAMLMap, spec: YAMLMap): void {
  const metadata = mapOf(document, object.get('metadata', true))
  const annotations = mapOf(document, metadata?.get('annotations', true))
  const name = annotations?.get(CLASS)
  if (annotations === undefined || typeof name !== 'string' || name === '') return
  annotations.delete(CLASS)
  if (annotations.items.length === 0) metadata?.delete('annotations')
  if (spec.has('ingressClassName')) return
  const pair = document.createPair('ingressClassName', name)
  // a comment at the beginning is about what comes first
  if (spec.commentBefore) spec.items.push(pair)
  else spec.items.unshift(pair)
}

function itemsOf(document: Document, node: unknown): readonly YAMLMap[] {
  const list = resolved(document, node)
  return isSeq(list) ? list.items.flatMap((item) => mapOf(document, item) ?? []) : []
}

function mapOf(document: Document, node: unknown): YAMLMap | undefined {
  const found = resolved(document, node)
  return isMap(found) ? found : undefined
}

function resolved(document: Document, node: unknown): Node | undefined {
  return isAlias(node) ? node.resolve(document) : (node as Node | undefined)
}

function invalid(place: string, why: string): FairwayError {
  const reason = why.split('\n')[0]?.replace(/:$/, '')
  return new FairwayError(USAGE_FILE_INVALID, `${place} is no YAML: ${reason}.`, { field: '-f' })
}
