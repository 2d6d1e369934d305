import { keptBand, Pool } from './pool.ts'

/** The ports that Services get on every node. A port is one for all protocols: a Service may use it for several. */
export class NodePorts {
  private readonly pool: Pool
  private readonly range: string

  constructor(range: readonly [number, number]) {
    const [first, last] = range
    this.pool = new Pool(BigInt(first), BigInt(last), keptBand(BigInt(last - first + 1), 32n, 128n))
    this.range = `${first}-${last}`
  }

  /** Why the port cannot be claimed, in Kubernetes' words; undefined when it now is. */
  claim(port: number): string | undefined {
    const answer = this.pool.claim(BigInt(port))
    if (answer === 'outside') return `provided port is not in the valid range. The range of valid ports is ${this.range}`
    return answer === 'taken' ? 'provided port is already allocated' : undefined
  }

  claimAny(): number | undefined {
    const port = this.pool.claimAny()
    return port === undefined ? undefined : Number(port)
  }

  release(port: number): void {
    this.pool.release(BigInt(port))
  }

  get count(): number {
    return this.pool.size
  }
}
