/** Functions that the library has and Kubernetes means otherwise: a call of the first becomes one of the second. */
export const RENAMED: readonly (readonly [theirs: string, ours: string])[] = [['matches', 're2Matches']]
