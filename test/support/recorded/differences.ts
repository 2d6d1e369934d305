/** Where our answers to the recorded commands differ from a real server's, and why. `test/live/kubectl-recorded.test.ts` holds it true. */
export interface Difference {
  /** What differs, for a reader. */
  readonly why: string
  /** Places as `differencesOf` names them; absent where the recording itself failed, and ours is not compared with it. */
  readonly at?: readonly string[]
}

const DOCUMENTATION =
  'The fields and their types are the same. Documentation comes from a package in which it lost line breaks, and in which fields that hold objects have the words of the object.'
const BELOW = 'The columns are the same; the recorded cluster did more between the recorded commands.'
const FEWER = 'The lab serves the kinds that it needs, and older versions of Ingress that a real 1.36 no longer has.'
const NO_KUBELET = 'The recording failed, as that cluster had no kubelets. In the lab it works'

export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'api-resources': { why: FEWER, at: ['stdout: rows'] },
  'api-versions': { why: FEWER, at: ['stdout'] },
  'delete-ns-real': {
    why: 'A namespace that is empty is gone at once, so that kubectl has nothing to wait for; a real one takes seconds.',
    at: ['requests'],
  },
  events: { why: BELOW, at: ['stdout: rows'] },
  exec: { why: `${NO_KUBELET} (\`test/live/apiserver-streams.test.ts\`).` },
  explain: { why: DOCUMENTATION, at: ['stdout: rows'] },
  'explain-ingress': { why: DOCUMENTATION, at: ['stdout: rows'] },
  'get-events': { why: BELOW, at: ['stdout: rows'] },
  logs: { why: `${NO_KUBELET} (\`test/live/kubelet.test.ts\`).` },
  'port-forward': { why: `${NO_KUBELET} (\`test/live/apiserver-streams.test.ts\`).` },
  version: {
    why: "The client is kubectl 1.36.3, where 1.36.2 was recorded; the server's words are the same.",
    at: ['stdout: rows'],
  },
  whoami: { why: 'The user is another one, and has no uid: users of the lab are those of certificates.', at: ['stdout: rows'] },
}
