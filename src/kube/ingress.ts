/** Ingresses, their classes and their certificates in Fairway's words. Every function takes any JSON of the kind. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { INGRESS_INVALID } from '../model/codes/ingress.ts'
import type * as ingress from '../model/ingress.ts'
import type { Converted } from './converted.ts'
import { authorityOf, passwordsOf, textOf } from './ingress-secret.ts'
import { readNginxAnnotations } from './nginx-annotations.ts'
import { keyOf } from './resource.ts'
import { Fields, Notes, type SettingsObject } from './settings.ts'
import type { DataObject } from './types.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const IS_DEFAULT = 'ingressclass.kubernetes.io/is-default-class'
/** On an IngressClass: whose annotations count on its Ingresses. */
const DIALECT = 'fairway.dev/dialect'
const TLS_SECRET = 'kubernetes.io/tls'
const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
const HOST = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`)
const LONGEST_HOST = 253
/** What a path of a request may have (RFC 3986), so that nothing in a pattern means more than itself. */
const PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/
/** And what a regular expression of a path may have. */
const PATH_EXPRESSION = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?[\]{}|\\^]*$/

/** Never without a value: one rule or path that cannot be used is left out, and noted; the rest is served. */
export function convertIngress(raw: SettingsObject): Converted<ingress.Ingress> {
  const notes = new Notes({ code: INGRESS_INVALID, kind: 'ingress', noun: 'Ingress' }, raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const namespace = raw.metadata.namespace ?? ''
  const annotations = readNginxAnnotations(raw.metadata.annotations, namespace)
  const fallback = spec.child('defaultBackend')
  const defaultBackend = fallback === undefined ? undefined : backendOf(fallback, namespace)
  const read: Omit<ingress.Ingress, 'isWhole'> = {
    key: keyOf(raw),
    className: spec.text('ingressClassName') || (raw.metadata.annotations?.[CLASS_ANNOTATION] ?? ''),
    rules: spec.children('rules').flatMap((rule) => ruleOf(rule, namespace)),
    ...(defaultBackend === undefined ? {} : { defaultBackend }),
    tls: spec.children('tls').map((entry) => {
      const secret = entry.text('secretName')
      const hosts = entry.list('hosts').flatMap(([value, name]) => hostOf(notes, value, name) ?? [])
      return { hosts, secret: secret === '' ? '' : `${namespace}/${secret}` }
    }),
    ...(annotations === undefined ? {} : { annotations }),
    createdAtInMs: Date.parse(raw.metadata.creationTimestamp ?? '') || 0,
  }
  return { value: { ...read, isWhole: notes.findings.length === 0 }, findings: notes.findings }
}

export function convertIngressClass(raw: SettingsObject): Converted<ingress.IngressClass> {
  const notes = new Notes({ code: INGRESS_INVALID, kind: 'ingressclass', noun: 'class' }, raw)
  const controller = new Fields(notes, raw.spec, 'spec').text('controller')
  const isDefault = raw.metadata.annotations?.[IS_DEFAULT] === 'true'
  const said = raw.metadata.annotations?.[DIALECT] ?? ''
  const isKnown = said === '' || said === 'ingress-nginx'
  if (!isKnown) notes.skip(`metadata.annotations['${DIALECT}']`, said, '"ingress-nginx", the only one there is')
  const dialect = isKnown ? said : ''
  return notes.result<ingress.IngressClass>({ name: raw.metadata.name ?? '', controller, isDefault, dialect })
}

/** Never without a value: what is wrong with a Secret is told of those that name it. */
export function certificateOf(raw: DataObject & { readonly type?: string }): ingress.CertificateSecret {
  const chain = textOf(raw, 'tls.crt')
  const privateKey = textOf(raw, 'tls.key')
  const problem = raw.type === TLS_SECRET ? problemOf(chain, privateKey) : `it is not of type ${TLS_SECRET}`
  const isUsable = problem === ''
  const authority = authorityOf(textOf(raw, 'ca.crt'))
  const passwords = raw.type === TLS_SECRET ? undefined : passwordsOf(raw)
  return {
    ...{ key: keyOf(raw), chain: isUsable ? chain : '', privateKey: isUsable ? privateKey : '', problem },
    ...(authority === undefined ? {} : { authority }),
    ...(passwords === undefined ? {} : { passwords }),
  }
}

function ruleOf(rule: Fields, namespace: string): readonly ingress.Ingress['rules'][number][] {
  const raw = rule.raw('host')
  const host = raw === undefined ? '' : hostOf(rule.notes, raw, rule.name('host'))
  if (host === undefined) return []
  const paths = rule.child('http')?.children('paths') ?? []
  return [{ host, paths: paths.flatMap((path) => pathOf(path, namespace)) }]
}

function hostOf(notes: Notes, value: unknown, name: string): string | undefined {
  const host = typeof value === 'string' ? value.toLowerCase() : ''
  if (host === '' && value === '') return ''
  if (HOST.test(host) && host.length <= LONGEST_HOST) return host
  notes.skip(name, value, 'a host name, or one that begins with *.')
  return undefined
}

function pathOf(entry: Fields, namespace: string): readonly ingress.IngressPath[] {
  const path = entry.text('path') || '/'
  const type = entry.text('pathType') || 'ImplementationSpecific'
  const field = entry.child('backend')
  const backend = field === undefined ? undefined : backendOf(field, namespace)
  const isReadable = PATH_EXPRESSION.test(path)
  if (!isReadable) entry.notes.skip(entry.name('path'), path, 'a path of characters that a URL may have')
  if (backend === undefined || !isReadable) return []
  return [{ ...(PATH.test(path) ? { pattern: patternOf(path, type) } : {}), text: path, backend }]
}

function patternOf(path: string, type: string): NonNullable<ingress.IngressPath['pattern']> {
  return type === 'Exact' ? { kind: 'exact', path } : { kind: 'prefix', path: path.replace(/\/+$/, '') }
}

function backendOf(field: Fields, namespace: string): ingress.IngressBackend | undefined {
  const service = field.child('service')
  const name = service?.text('name') ?? ''
  const port = service?.child('port')
  const number = port?.raw('number')
  const asked = typeof number === 'number' ? number : (port?.text('name') ?? '')
  if (name !== '' && asked !== '') return { service: `${namespace}/${name}`, port: asked }
  field.notes.skip(
    field.name('service'),
    service?.raw('name'),
    'a Service with one of its ports; other backends are not supported',
  )
  return undefined
}

/** '' when the certificate and the key belong together. */
function problemOf(chain: string, privateKey: string): string {
  if (chain === '' || privateKey === '') return 'it has no tls.crt, or no tls.key'
  try {
    const certificate = new X509Certificate(chain)
    return certificate.checkPrivateKey(createPrivateKey(privateKey)) ? '' : 'its key is of another certificate'
  } catch {
    return 'its tls.crt or its tls.key is no PEM that can be read'
  }
}
