/** Which Ingresses are served, and which were until now: what was written into those is to be taken back. */
import type { ObjectKey } from '../model/world.ts'

export class ServedBook {
  private readonly served = new Set<ObjectKey>()
  private readonly left = new Set<ObjectKey>()

  note(key: ObjectKey, isServed: boolean, isThere: boolean): void {
    const wasServed = this.served.has(key)
    if (isServed) this.served.add(key)
    else this.served.delete(key)
    if (isServed || !isThere) this.left.delete(key)
    else if (wasServed) this.left.add(key)
  }

  has(key: ObjectKey): boolean {
    return this.served.has(key)
  }

  isLeft(key: ObjectKey): boolean {
    return this.left.has(key)
  }

  get keys(): ReadonlySet<ObjectKey> {
    return this.served
  }

  get size(): number {
    return this.served.size
  }
}
