/** Objects of published attacks on ingress controllers, each with the answer that a request for its host gets here. */
import { NGINX_ANNOTATIONS } from '../../src/kube/nginx-annotations.ts'
import type { SettingsObject } from '../../src/kube/settings.ts'
import { NGINX_PREFIX } from '../../src/model/nginx-annotations.ts'

/** What must never be a word of a configuration. */
export const CANARY = 'CANARY'
const STATEMENT = `\n  http-request return status 299 # ${CANARY}\n`

export interface InjectionCase {
  /** As in test/golden/injection/cases.tsv. */
  readonly id: string
  readonly ingresses: readonly SettingsObject[]
  /** Of the first Ingress's host: `web`, its server, or a status. */
  readonly answer: string
  /** Asked with; / when absent. */
  readonly path?: string
}

let count = 0

interface Part {
  readonly said?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly path?: string
  readonly namespace?: string
  readonly uid?: string
}

function ingress({ said = {}, annotations = {}, path = '/', namespace = 'default', uid = '' }: Part): SettingsObject {
  count += 1
  const ours = Object.entries(said).map(([name, value]) => [`${NGINX_PREFIX}${name}`, value])
  const backend = { service: { name: 'web', port: { number: 80 } } }
  return {
    metadata: { namespace, name: `i${count}`, uid, annotations: { ...Object.fromEntries(ours), ...annotations } },
    spec: {
      ingressClassName: 'as-nginx',
      rules: [{ host: `i${count}.test`, http: { paths: [{ path, pathType: 'ImplementationSpecific', backend }] } }],
    },
  }
}

const one = (id: string, answer: string, part: Part, path?: string): InjectionCase => ({
  ...{ id, answer, ingresses: [ingress(part)] },
  ...(path === undefined ? {} : { path }),
})
const PASSWORDS = { 'auth-type': 'basic' }

export const INJECTIONS: readonly InjectionCase[] = [
  {
    ...{ id: 'CVE-2020-8553', answer: '401' },
    ingresses: [
      ingress({ said: { ...PASSWORDS, 'auth-secret': 'c' }, namespace: 'a-b' }),
      ingress({ said: { ...PASSWORDS, 'auth-secret': 'b-c' }, namespace: 'a' }),
    ],
  },
  one('CVE-2021-25742', 'web', { said: { 'server-snippet': STATEMENT, 'configuration-snippet': STATEMENT } }),
  one(
    'CVE-2021-25745',
    'web',
    { path: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
    '/var/run/secrets/kubernetes.io/serviceaccount/token',
  ),
  {
    ...{ id: 'CVE-2021-25746', answer: 'web' },
    ingresses: [
      ingress({
        said: { 'proxy-body-size': `1m; } ${CANARY} {`, 'session-cookie-name': `x;${STATEMENT}`, affinity: 'cookie' },
      }),
      ...NGINX_ANNOTATIONS.map((name) => ingress({ said: { [name]: `x; } ${CANARY} {${STATEMENT}` } })),
    ],
  },
  one('CVE-2021-25748', '404', { path: `/a${STATEMENT}` }, '/a'),
  one('CVE-2022-4886', '404', { path: `/a{ use_backend ${CANARY} }` }, '/a'),
  one('CVE-2023-5043', 'web', { said: { 'configuration-snippet': `${STATEMENT}lua-load /x` } }),
  one('CVE-2023-5044', 'web', { said: { 'permanent-redirect': `https://x.y/;${STATEMENT}` } }),
  one('CVE-2024-7646', '503', {
    said: { ...PASSWORDS, 'auth-secret': 'b-c', 'auth-realm': `x${STATEMENT}`, 'auth-method': 'GET\r\n' },
  }),
  one('CVE-2025-1097', '503', { said: { 'auth-tls-secret': 'signers', 'auth-tls-match-cn': `CN=x #(${STATEMENT})` } }),
  one('CVE-2025-1098', 'web', {
    said: { 'mirror-target': `http://x;${STATEMENT}`, 'mirror-host': `x;${STATEMENT}` },
    uid: STATEMENT,
  }),
  one('CVE-2025-24513', '503', { said: { ...PASSWORDS, 'auth-secret': '../../etc/passwd' }, uid: '../../../x' }),
  one('CVE-2025-24514', '503', { said: { 'auth-url': `http://x/#;${STATEMENT}` } }),
  one('CVE-2025-15566', '503', { said: { 'auth-proxy-set-headers': `default/x'${STATEMENT}` } }),
  one('CVE-2026-1580', '503', { said: { 'auth-method': `GET${STATEMENT}` } }),
  one('CVE-2026-24512', '404', { path: `/a" ${CANARY}` }, '/a'),
  one('CVE-2026-24513', '500', { said: { 'auth-url': 'http://x.y/auth', 'custom-http-errors': '401,403' } }),
  one('CVE-2026-3288', 'web', { said: { 'rewrite-target': `/x' ${CANARY} ';${STATEMENT}` } }),
  one('CVE-2026-4342', '404', { path: `/a#${STATEMENT}` }, '/a'),
  one('d5cd861e0', 'web', { uid: `x"${STATEMENT}` }),
  one('3a9889ba5', '503', {
    said: { 'allowlist-source-range': `10.0.0.0/8;${STATEMENT}`, 'whitelist-source-range': '0.0.0.0/0' },
  }),
  one('GHSA-4mr2-fg2p-w63c', '503', { said: { ...PASSWORDS, 'auth-secret': 'gone' } }),
  one('GHSA-7vww-mvcr-x6vj', '503', { said: { 'proxy-ssl-verify': 'on' } }),
  one('CVE-2026-67309', '400', { said: { 'rewrite-target': '/$1' }, path: '/api(.*)' }, '/api../secret'),
  one('haproxytech 3.2.6', 'web', {
    annotations: { 'haproxy.org/backend-config-snippet': STATEMENT, 'haproxy.org/server-snippet': STATEMENT },
  }),
  one('NGF 2.6.4', 'web', { said: { 'server-tokens': STATEMENT, 'log-format': STATEMENT } }),
  one('engine', 'web', { said: { 'rewrite-target': `/${'$1$2$3'.repeat(200)}` }, path: '/((((a))))' }, '/a'),
]

/** Attacks on an admission webhook, of which there is none. */
export const ON_ADMISSION: readonly string[] = ['CVE-2025-1974', 'CVE-2026-24514']
