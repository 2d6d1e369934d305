/** Kubernetes objects every string of which may be hostile, as a gateway reads them. */
import { certificateOf, convertIngress, convertIngressClass } from '../../src/kube/ingress.ts'
import { NGINX_ANNOTATIONS } from '../../src/kube/nginx-annotations.ts'
import type { DataObject, EndpointSlice, Service } from '../../src/kube/types.ts'
import { convertEndpointSlice, convertService } from '../../src/kube/world-objects.ts'
import type { IngressWorld } from '../../src/model/ingress.ts'
import { NGINX_PREFIX } from '../../src/model/nginx-annotations.ts'
import type { HostileText } from './hostile-text.ts'
import type { Made } from './openssl.ts'

const HASH = '$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00'
const NAMESPACES = ['a', 'a-b']
const SERVICES = ['s0', 's1', 's2', 's3']
const SECRETS = ['p', 'b-p', 't']
const PORTS = ['http', 'web', 'p-1']
const CLASSES = ['as-nginx', 'as-nginx', 'as-nginx', 'fairway']
const PATHS = ['/', '/a', '/a/b', '/a/(.*)', '/[a-z]+/x', '/b/', "/it's", '/50%', '/a%20b', '/$x', '/a;b']

/** What is read of an annotation, so that most get that far; others are given the texts of `ANY`. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'rewrite-target': ['/$1', '/x/$1/$2', "/it's", '/50%'],
  'app-root': ['/app', "/it's/100%"],
  'permanent-redirect': ['https://x.y/z', "/it's", 'https://x.y$request_uri', '/100%?a=b#c'],
  'temporal-redirect': ['https://x.y:8443/z', '/a%[src]'],
  'upstream-vhost': ['x.y', 'x.y:80'],
  'upstream-hash-by': ['$http_x_id', '$cookie_c', '$arg_q', '$request_uri'],
  'x-forwarded-prefix': ['/x', "/it's/%[src]"],
  'canary-by-header': ['x-canary', 'X_C'],
  'canary-by-header-value': ["it's } me", '}', '"', 'a # b'],
  'canary-by-header-pattern': ['^(a|b)$', "it's [}]", '#'],
  'canary-by-cookie': ['beta', 'b.c'],
  'canary-weight': ['20'],
  'limit-rps': ['5'],
  'limit-connections': ['3'],
  'limit-whitelist': ['10.0.0.0/8'],
  'limit-allowlist': ['10.0.0.1, fd00::/8'],
  'whitelist-source-range': ['10.0.0.0/8,192.0.2.1'],
  'allowlist-source-range': ['2001:db8::/32'],
  'denylist-source-range': ['10.1.0.0/16'],
  affinity: ['cookie'],
  'session-cookie-name': ['route', 'r.s'],
  'session-cookie-path': ['/', "/it's"],
  'session-cookie-domain': ['.x.y', 'x.y'],
  'session-cookie-samesite': ['Lax'],
  'enable-cors': ['true'],
  'cors-allow-origin': ['*', 'https://x.y', 'https://*.x.y:8443'],
  'cors-allow-methods': ['GET, PUT'],
  'cors-allow-headers': ['X-A, X-B'],
  'cors-expose-headers': ['*', 'X-C'],
  'auth-type': ['basic'],
  'auth-secret': ['p', 'b-p'],
  'auth-secret-type': ['auth-file', 'auth-map'],
  'auth-realm': ['it\'s "mine" \\ 100%', 'a b'],
  'auth-tls-secret': ['t'],
  'auth-tls-match-cn': ["CN=it's .*", 'CN=^(a|b)$'],
  'backend-protocol': ['HTTP', 'HTTPS', 'GRPC', 'GRPCS'],
  'load-balance': ['round_robin', 'ewma'],
  'proxy-next-upstream': ['error timeout http_503', 'off'],
}
const ANY = ['true', 'true', '1', '301', 'on', 'off', '/path', 'http://x.y/z']
/** Together they say something that one alone does not. */
const TOGETHER = [
  ['auth-type', 'auth-secret', 'auth-realm', 'auth-secret-type'],
  ['canary', 'canary-by-header', 'canary-by-header-value'],
  ['canary', 'canary-by-header', 'canary-by-header-pattern'],
  ['canary', 'canary-by-cookie', 'canary-weight'],
  ['affinity', 'session-cookie-name', 'session-cookie-path', 'session-cookie-domain', 'session-cookie-samesite'],
  ['enable-cors', 'cors-allow-origin', 'cors-allow-methods', 'cors-allow-headers', 'cors-expose-headers'],
  ['auth-tls-secret', 'auth-tls-match-cn'],
  ['use-regex', 'rewrite-target'],
]

export interface HostileOptions {
  /** What Secrets with certificates have in them, among other things; absent: there are none. */
  readonly certificate?: Made
  /** Whether Services may stand for names outside; without it they do. */
  readonly hasNames?: boolean
}

export class HostileObjects {
  readonly text: HostileText
  private readonly options: HostileOptions
  private count = 0

  constructor(text: HostileText, options: HostileOptions = {}) {
    this.text = text
    this.options = options
  }

  /** So many Ingresses, and half as many of all else. */
  world(ingresses: number): IngressWorld {
    const of = <T>(count: number, make: () => { readonly value?: T } | undefined): readonly T[] =>
      Array.from({ length: count }, make).flatMap((one) => one?.value ?? [])
    const few = Math.ceil(ingresses / 8)
    const byKey = <T extends { readonly key: string }>(all: readonly T[]) => new Map(all.map((one) => [one.key, one]))
    const classes = [
      ...CLASSES.flatMap((name) => this.className(name).value ?? []),
      ...of(2, () => this.className(this.text.text())),
    ]
    return {
      classes: new Map(classes.map((one) => [one.name, one])),
      ingresses: byKey(of(ingresses, () => convertIngress(this.ingress()))),
      services: byKey(of(few, () => convertService(this.service()))),
      endpointSlices: byKey(of(few * 2, () => convertEndpointSlice(this.slice()))),
      secrets: byKey(of(few, () => ({ value: certificateOf(this.secret()) }))),
    }
  }

  private metadata(name: string, annotations: Readonly<Record<string, string>> = {}) {
    const { text } = this
    const at = `2026-01-01T00:00:${String(text.draw(60)).padStart(2, '0')}Z`
    const creationTimestamp = text.or(at, at, at)
    return {
      namespace: text.in100(90) ? text.pick(NAMESPACES) : text.text(),
      name,
      uid: text.or('1-2-3'),
      annotations,
      creationTimestamp,
    }
  }

  private ingress() {
    const { text } = this
    this.count++
    const host = () =>
      text.or(`h${this.count}.test`, `h${this.count}.test`, `*.w${text.draw(50)}.test`, `H${text.draw(50)}.Test`, '')
    const path = () => ({
      ...{ path: text.or(...PATHS), pathType: text.or('Exact', 'Prefix', 'ImplementationSpecific'), backend: this.backend() },
    })
    return {
      metadata: this.metadata(text.in100(90) ? `i${this.count}` : text.text(), this.annotations()),
      spec: {
        ingressClassName: text.in100(95) ? text.pick(CLASSES) : text.text(),
        rules: Array.from({ length: 1 + text.draw(2) }, () => ({
          host: host(),
          http: { paths: [path(), ...text.some(1, path)] },
        })),
        ...(text.in100(5) ? { defaultBackend: this.backend() } : {}),
        tls: text.some(1, () => ({ hosts: [host()], secretName: text.or(...SECRETS) })),
      },
    }
  }

  private annotations(): Readonly<Record<string, string>> {
    const { text } = this
    const names = text.in100(20)
      ? []
      : text.in100(60)
        ? text.pick(TOGETHER)
        : [text.pick(NGINX_ANNOTATIONS), text.pick(NGINX_ANNOTATIONS)]
    const said = names.map((name) => [`${NGINX_PREFIX}${name}`, text.or(...(VALUES[name] ?? ANY))] as const)
    const more = text.in100(10) ? [[text.or(`${NGINX_PREFIX}x-snippet`, 'kubernetes.io/ingress.class', 'a/b'), text.text()]] : []
    return Object.fromEntries([...said, ...more])
  }

  private backend() {
    const { text } = this
    const port = text.in100(40) ? { name: text.or(...PORTS) } : { number: 80 }
    return { service: { name: text.in100(85) ? text.pick(SERVICES) : text.text(), port } }
  }

  private service(): Service {
    const { text } = this
    const isOutside = this.options.hasNames !== false && text.in100(20)
    const ports = PORTS.map((name, at) => ({
      ...{ name: text.in100(80) ? name : text.text(), port: 80 + at, protocol: 'TCP', targetPort: text.or('http') },
      ...(text.in100(20) ? { appProtocol: text.or('kubernetes.io/h2c', 'https') } : {}),
    }))
    const type = isOutside ? { type: 'ExternalName', externalName: text.or('out.example.com', 'x.y') } : { type: 'ClusterIP' }
    const annotations: Readonly<Record<string, string>> = text.in100(10)
      ? { 'fairway.dev/proxy-protocol': text.or('v1', 'v2') }
      : {}
    const name = text.in100(90) ? text.pick(SERVICES) : text.text()
    return { metadata: this.metadata(name, annotations), spec: { ...type, clusterIP: '10.96.0.9', ports } } as Service
  }

  private slice(): EndpointSlice {
    const { text } = this
    const service = text.in100(90) ? text.pick(SERVICES) : text.text()
    const isOld = text.in100(20)
    const address = () => (isOld ? `fd00::${1 + text.draw(200)}` : `10.244.${text.draw(9)}.${1 + text.draw(200)}`)
    const endpoint = () => ({
      ...{ addresses: [text.in100(80) ? address() : text.or(address())], nodeName: text.or('n1'), conditions: { ready: true } },
      ...{ targetRef: { kind: text.or('Pod'), namespace: text.or('a'), name: text.or('p') }, zone: text.or('z') },
    })
    return {
      metadata: { ...this.metadata(text.or(`${service}-${text.draw(9)}`)), labels: { 'kubernetes.io/service-name': service } },
      addressType: isOld ? 'IPv6' : 'IPv4',
      ports: PORTS.map((name) => ({ name: text.in100(80) ? name : text.text(), port: 8080, protocol: 'TCP' })),
      endpoints: text.some(3, endpoint),
    } as unknown as EndpointSlice
  }

  private secret(): DataObject & { readonly type?: string } {
    const { text } = this
    const { certificate } = this.options
    const encode = (said: string) => Buffer.from(said).toString('base64')
    const metadata = this.metadata(text.in100(90) ? text.pick(SECRETS) : text.text())
    if (certificate !== undefined && text.in100(40)) {
      const around = (pem: string) => encode(`${text.in100(30) ? text.text() : ''}\n${pem}\n${text.in100(30) ? text.text() : ''}`)
      const data = {
        'tls.crt': around(certificate.chain),
        'tls.key': encode(certificate.privateKey),
        'ca.crt': around(certificate.chain),
      }
      return { metadata, type: 'kubernetes.io/tls', data }
    }
    const lines = Array.from(
      { length: 1 + text.draw(3) },
      () => `${text.or('user', "o'hara")}:${text.in100(80) ? HASH : text.or(HASH)}`,
    )
    const keys = Array.from({ length: 1 + text.draw(2) }, () => [
      text.or('name', 'x.y'),
      encode(text.in100(80) ? HASH : text.or(HASH)),
    ])
    return {
      metadata,
      type: text.or('Opaque'),
      data: { auth: encode(lines.join('\n')), ...Object.fromEntries(keys), 'ca.crt': encode(text.text()) },
    }
  }

  private className(name: string) {
    const { text } = this
    const annotations: Readonly<Record<string, string>> = name === 'as-nginx' ? { 'fairway.dev/dialect': 'ingress-nginx' } : {}
    return convertIngressClass({ metadata: { name, uid: text.text(), annotations }, spec: { controller: 'fairway.dev/ingress' } })
  }
}
