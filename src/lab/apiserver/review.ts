/** Reviews: kinds that are only ever created, and answered at once. In the lab everyone who is known may do everything. */
import { isMap, type JsonMap } from './json.ts'

/** Who sends a request: from the client certificate's subject. */
export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

export interface Review {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  answer(user: User, sent: JsonMap): object
}

const ALLOWED = { allowed: true, reason: 'the lab allows every known user everything' }
const EVERYTHING = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }

export const REVIEWS: readonly Review[] = [
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    singular: 'selfsubjectreview',
    answer: (user) => ({ status: { userInfo: { username: user.name, groups: user.groups } } }),
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    singular: 'selfsubjectaccessreview',
    answer: (_user, sent) => ({ spec: sent.spec ?? {}, status: ALLOWED }),
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectRulesReview',
    plural: 'selfsubjectrulesreviews',
    singular: 'selfsubjectrulesreview',
    answer: (_user, sent) => ({
      spec: sent.spec ?? {},
      status: { resourceRules: [EVERYTHING], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }], incomplete: false },
    }),
  },
]

/** The review that a path names. */
export function reviewAt(path: string): Review | undefined {
  return REVIEWS.find((review) => path === `/apis/${review.group}/${review.version}/${review.plural}`)
}

/** The answer to a review. */
export function answerReview(review: Review, user: User, sent: unknown): object {
  const raw = isMap(sent) ? sent : {}
  return {
    kind: review.kind,
    apiVersion: `${review.group}/${review.version}`,
    metadata: { creationTimestamp: null },
    ...review.answer(user, raw),
  }
}
