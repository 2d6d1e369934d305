import type { Code } from '../code.ts'

/** FW0700-0729: Ingresses that cannot be served as they are written. */
export const INGRESS_SERVICE_MISSING: Code = {
  code: 'FW0700',
  name: 'INGRESS_SERVICE_MISSING',
  severity: 'warning',
  title: 'An Ingress names a Service that is not there',
  cause: 'The Service of a backend does not exist in the namespace of the Ingress. Requests for it are answered with 503.',
  fix: 'Create the Service, or correct the name in the Ingress.',
}

export const INGRESS_PORT_MISSING: Code = {
  code: 'FW0701',
  name: 'INGRESS_PORT_MISSING',
  severity: 'warning',
  title: 'An Ingress names a port that its Service does not have',
  cause: 'No TCP port of the Service has the name or the number that the Ingress gives. Requests for it are answered with 503.',
  fix: 'Name a port of the Service (`kubectl get service`), not one of its pods.',
}

export const INGRESS_TAKEN: Code = {
  code: 'FW0702',
  name: 'INGRESS_TAKEN',
  severity: 'warning',
  title: 'Two Ingresses ask for the same host and path',
  cause: 'Of two Ingresses with the same host, path and path type the older one is served.',
  fix: 'Change the host or the path of one of them, or delete it.',
}

export const INGRESS_SECRET_UNUSABLE: Code = {
  code: 'FW0703',
  name: 'INGRESS_SECRET_UNUSABLE',
  severity: 'warning',
  title: 'The certificate of an Ingress cannot be used',
  cause:
    'The Secret is not there, is not of type kubernetes.io/tls, or holds no certificate and key that belong together. TLS connections for its hosts are not answered with another certificate.',
  fix: 'Create the Secret (`kubectl create secret tls`), or let cert-manager do so.',
}

export const INGRESS_INVALID: Code = {
  code: 'FW0704',
  name: 'INGRESS_INVALID',
  severity: 'error',
  title: 'A field of an Ingress cannot be used',
  cause: 'An Ingress or an IngressClass has a value that has no meaning. That rule or path is left out, the rest is served.',
  fix: 'Correct the field that the message names.',
}

export const INGRESS_ANNOTATION_UNKNOWN: Code = {
  code: 'FW0705',
  name: 'INGRESS_ANNOTATION_UNKNOWN',
  severity: 'warning',
  title: 'An annotation of an Ingress is not served',
  cause:
    'The class of the Ingress speaks the dialect of ingress-nginx, and the Ingress has an annotation of it that has no such name, or that is not served here. The rest is served; where the annotation was to keep somebody out, requests are answered with 503.',
  fix: 'See docs/feature/ingress-nginx.md for what is served; remove the annotation, or correct its name.',
}

export const INGRESS_ANNOTATION_UNREADABLE: Code = {
  code: 'FW0706',
  name: 'INGRESS_ANNOTATION_UNREADABLE',
  severity: 'error',
  title: 'An annotation of an Ingress has a value without meaning',
  cause:
    'The value is not of the form that the annotation has. What the Ingress said before is served still; a new one is served as if the annotation were not there; where it was to keep somebody out, requests are answered with 503.',
  fix: 'Correct the annotation that the message names.',
}

export const INGRESS_SNIPPET_REFUSED: Code = {
  code: 'FW0707',
  name: 'INGRESS_SNIPPET_REFUSED',
  severity: 'error',
  title: 'Text for the configuration is not taken from an Ingress',
  cause:
    'A snippet is put into the configuration as it is: whoever may write an Ingress could read every Secret and answer for every host. None is ever taken.',
  fix: 'Use the annotation for what the snippet does, or have the Service do it.',
}

export const INGRESS_ANNOTATION_IDLE: Code = {
  code: 'FW0708',
  name: 'INGRESS_ANNOTATION_IDLE',
  severity: 'info',
  title: 'An annotation of an Ingress changes nothing',
  cause: 'The annotation sets something of nginx that works otherwise here, or it is off.',
  fix: 'Nothing has to be done.',
}

export const INGRESS_PROTECTION_MISSING: Code = {
  code: 'FW0709',
  name: 'INGRESS_PROTECTION_MISSING',
  severity: 'error',
  title: 'What an Ingress is to be protected by is not there',
  cause:
    'The Ingress asks for passwords or for certificates of clients, and the Secret with them is missing or cannot be used. Requests are answered with 503: nothing is opened without its protection.',
  fix: 'Create the Secret, or correct its contents; the message says which.',
}

export const INGRESS_DIALECT_OFF: Code = {
  code: 'FW0710',
  name: 'INGRESS_DIALECT_OFF',
  severity: 'warning',
  title: 'Annotations of ingress-nginx do not count for this class',
  cause:
    'The Ingress has annotations of ingress-nginx, and its class does not speak that dialect. They have no effect, except that requests that they were to protect are answered with 503.',
  fix: 'Annotate the IngressClass with fairway.dev/dialect=ingress-nginx, or remove the annotations.',
}

export const INGRESS_CANARY_ALONE: Code = {
  code: 'FW0711',
  name: 'INGRESS_CANARY_ALONE',
  severity: 'warning',
  title: 'A canary has no Ingress beside it',
  cause:
    'An Ingress with the annotation canary takes part in the requests of another one with the same host and path, and there is none.',
  fix: 'Give it the host, path and path type of the Ingress that it is a canary of.',
}

export const INGRESS_HELD: Code = {
  code: 'FW0712',
  name: 'INGRESS_HELD',
  severity: 'warning',
  title: 'An Ingress is served as it was before',
  cause:
    'Its last change has a field or an annotation that cannot be used; another finding says which. Until that is corrected, what it said before is served.',
  fix: 'Correct what the other finding of the Ingress names.',
}

export const INGRESS_PASSWORD_UNVERIFIABLE: Code = {
  code: 'FW0713',
  name: 'INGRESS_PASSWORD_UNVERIFIABLE',
  severity: 'warning',
  title: 'A password cannot be verified',
  cause:
    'The hash of a password is of a form that crypt(3) does not have, as $apr1$ and {SHA} of htpasswd, or of one that is too weak, as that of DES. Nobody is let in by it.',
  fix: 'Make the hash anew: `htpasswd -B` (bcrypt), or `openssl passwd -6` (SHA-512), which is verified fastest.',
}

export const INGRESS_PROXY_PROTOCOL_UNREADABLE: Code = {
  code: 'FW0716',
  name: 'INGRESS_PROXY_PROTOCOL_UNREADABLE',
  severity: 'warning',
  title: 'A Service asks for a version of the PROXY protocol that there is not',
  cause:
    'The annotation fairway.dev/proxy-protocol of a Service that an Ingress sends requests to is neither v1 nor v2. Its servers are spoken to without the PROXY protocol.',
  fix: 'Annotate the Service with fairway.dev/proxy-protocol=v2 (or v1), or remove the annotation.',
}
