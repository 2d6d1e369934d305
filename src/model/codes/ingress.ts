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
