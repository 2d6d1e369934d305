/** Which of many each one uses, so that a change of one finds those that use it. */
export class Uses {
  private readonly byUser = new Map<string, ReadonlySet<string>>()
  private readonly users = new Map<string, Set<string>>()

  /** Replaces what one uses. */
  set(user: string, used: Iterable<string>): void {
    const after = new Set(used)
    for (const one of this.usedBy(user)) if (!after.has(one)) this.drop(user, one)
    for (const one of after) this.users.set(one, (this.users.get(one) ?? new Set()).add(user))
    if (after.size === 0) this.byUser.delete(user)
    else this.byUser.set(user, after)
  }

  of(used: string): ReadonlySet<string> {
    return this.users.get(used) ?? NOBODY
  }

  usedBy(user: string): ReadonlySet<string> {
    return this.byUser.get(user) ?? NOBODY
  }

  get used(): Iterable<string> {
    return this.users.keys()
  }

  private drop(user: string, one: string): void {
    const users = this.users.get(one)
    users?.delete(user)
    if (users?.size === 0) this.users.delete(one)
  }
}

const NOBODY: ReadonlySet<string> = new Set()
