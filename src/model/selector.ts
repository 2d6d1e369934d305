/** Choosing objects by their labels. */

/** One term of a selector on a label. `in` and `not-in` have values; `not-in` and `absent` hold where the label is missing. */
export interface SelectorTerm {
  readonly key: string
  readonly is: 'in' | 'not-in' | 'present' | 'absent'
  readonly values: readonly string[]
}

/** Chooses by labels: all terms must hold; without terms it chooses everything. */
export type Selector = readonly SelectorTerm[]
