/** The order of rows: by names, so that they stand where they stood, and numbers in them by their value (node-2 before node-10). */
const names = new Intl.Collator('en', { numeric: true })

/** Compares by one name after the other; what is alike to a reader is told apart by its characters. */
export function byNames<T>(of: (row: T) => readonly string[]): (one: T, other: T) => number {
  return (one, other) => {
    const others = of(other)
    for (const [at, name] of of(one).entries()) {
      const against = others[at] ?? ''
      const order = names.compare(name, against) || (name < against ? -1 : name > against ? 1 : 0)
      if (order !== 0) return order
    }
    return 0
  }
}
