import type { Code } from '../code.ts'

/** FW08xx: talking to the Kubernetes API. */
export const KUBE_CONFIG_UNREADABLE: Code = {
  code: 'FW0801',
  name: 'KUBE_CONFIG_UNREADABLE',
  severity: 'error',
  title: 'No usable kubeconfig',
  cause: 'The kubeconfig file, or a certificate, key or token file that it names, is missing, unreadable or not YAML.',
  fix: 'Name the file with --kubeconfig or KUBECONFIG; `kubectl --kubeconfig FILE config view` shows whether kubectl can read it.',
}

export const KUBE_CONFIG_INVALID: Code = {
  code: 'FW0802',
  name: 'KUBE_CONFIG_INVALID',
  severity: 'error',
  title: 'The kubeconfig does not say where to go',
  cause: 'The kubeconfig has no such context, cluster or user, or a part of it has a value that cannot be used.',
  fix: 'Run `kubectl config get-contexts` and choose one of them with `kubectl config use-context NAME`.',
}

export const KUBE_CREDENTIALS_FAILED: Code = {
  code: 'FW0803',
  name: 'KUBE_CREDENTIALS_FAILED',
  severity: 'error',
  title: 'Credentials could not be obtained',
  cause: 'The program or provider that the kubeconfig names for credentials failed.',
  fix: 'Run `kubectl auth whoami` with the same kubeconfig, which calls the same program, and see what it says.',
}

export const KUBE_API_UNREACHABLE: Code = {
  code: 'FW0804',
  name: 'KUBE_API_UNREACHABLE',
  severity: 'error',
  title: 'The API server cannot be reached',
  cause: 'No connection to the API server could be made, it broke, or no answer came in time.',
  fix: 'Check that the address in the kubeconfig is right and answers: `kubectl get --raw /readyz`.',
}

export const KUBE_API_UNTRUSTED: Code = {
  code: 'FW0805',
  name: 'KUBE_API_UNTRUSTED',
  severity: 'error',
  title: 'The API server is not the one expected',
  cause: 'The certificate of the server does not fit the authority or the name in the kubeconfig, or one of them has expired.',
  fix: 'Fetch a fresh kubeconfig for this cluster; after the lab was made anew, the old one no longer fits.',
}

export const KUBE_API_UNAUTHORIZED: Code = {
  code: 'FW0806',
  name: 'KUBE_API_UNAUTHORIZED',
  severity: 'error',
  title: 'The API server does not know this user',
  cause: 'The API server answered 401: the certificate or token is missing, wrong or expired.',
  fix: 'Renew the credentials in the kubeconfig; `kubectl auth whoami` says who you are.',
}

export const KUBE_API_FORBIDDEN: Code = {
  code: 'FW0807',
  name: 'KUBE_API_FORBIDDEN',
  severity: 'error',
  title: 'The API server does not allow this',
  cause: 'The API server answered 403: the user or service account lacks a role for this request.',
  fix: 'Bind a role that has the named verb and resource; `kubectl auth can-i VERB RESOURCE` asks the server.',
}

export const KUBE_API_REFUSED: Code = {
  code: 'FW0808',
  name: 'KUBE_API_REFUSED',
  severity: 'error',
  title: 'The API server refused the request',
  cause: 'The API server answered with an error status; its own words are in the message.',
  fix: 'Correct what the message names and repeat the request.',
}

export const KUBE_ANSWER_UNREADABLE: Code = {
  code: 'FW0809',
  name: 'KUBE_ANSWER_UNREADABLE',
  severity: 'error',
  title: 'The answer is not what an API server says',
  cause: 'The answer, or a line of a watch, is not the JSON that was asked for: often a proxy that answers in its own words.',
  fix: 'Check that the address in the kubeconfig is that of a Kubernetes API server; a watch starts again by itself.',
}

export const KUBE_HANDLER_FAILED: Code = {
  code: 'FW0810',
  name: 'KUBE_HANDLER_FAILED',
  severity: 'error',
  title: 'A change from the API server could not be handled',
  cause: 'A part of Fairway threw an error while it dealt with changes from a watch. This is a defect; the watch goes on.',
  fix: 'Report it with the log line; restarting the process makes it read everything anew.',
}

export const KUBE_OBJECT_UNUSABLE: Code = {
  code: 'FW0811',
  name: 'KUBE_OBJECT_UNUSABLE',
  severity: 'warning',
  title: 'An object cannot be used in full',
  cause: 'A field of an object holds a value that Fairway cannot use, such as an address that is none.',
  fix: 'Correct the named field; the rest of the object, and every other object, is in use.',
}
