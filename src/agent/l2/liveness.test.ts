import { describe, expect, it } from 'vitest'
import { type BfdState, LIVENESS_TIMES, Liveness } from './liveness.ts'

/** A peer `n2` of node `n1`, with a clock of its own. */
class Story {
  now = 1_000
  readonly liveness = new Liveness('n1', this.now)

  constructor(...peers: readonly string[]) {
    this.liveness.watch(peers.length === 0 ? ['n2'] : peers, this.now)
  }

  bfd(state: BfdState, node = 'n2'): this {
    this.liveness.noteBfd(node, state, this.now)
    return this
  }

  /** Lets time pass; probes that fall due meanwhile are answered or not. Returns how many there were. */
  pass(durationInMs: number, isAnswered: boolean | ((node: string) => boolean)): number {
    const endInMs = this.now + durationInMs
    let probes = 0
    for (; this.now <= endInMs; this.now++) {
      for (const node of this.liveness.takeProbes(this.now)) {
        probes++
        this.liveness.noteProbe(node, typeof isAnswered === 'boolean' ? isAnswered : isAnswered(node), this.now)
      }
      this.liveness.tick(this.now)
    }
    return probes
  }

  get alive(): readonly string[] {
    return [...this.liveness.alive].sort()
  }
}

describe('a node that BFD watches', () => {
  it('lives while BFD says so, and is not probed', () => {
    const story = new Story().bfd('up')
    expect(story.pass(60_000, false)).toBe(0)
    expect(story.alive).toEqual(['n1', 'n2'])
  })

  it('is dead when BFD says so and two probes are not answered, and at once', () => {
    const story = new Story().bfd('up')
    story.pass(100, true)
    story.bfd('down')
    expect(story.alive).toContain('n2')
    story.pass(LIVENESS_TIMES.doubtEvery + 1, false)
    expect(story.alive).toEqual(['n1'])
  })

  it('that answers and is vouched for lives on after its grace, and no longer', () => {
    const story = new Story().bfd('up')
    story.bfd('down').pass(LIVENESS_TIMES.silent / 2, true)
    expect(story.liveness.silent(story.now)).toEqual([])
    story.pass(LIVENESS_TIMES.grace, true)
    expect([story.alive, story.liveness.silent(story.now)]).toEqual([['n1'], ['n2']])
    story.liveness.vouch('n2', story.now + 1_000, story.now)
    story.pass(900, true)
    expect(story.alive).toEqual(['n1', 'n2'])
    story.pass(200, true)
    expect(story.alive).toEqual(['n1'])
    story.liveness.vouch('n2', story.now + 1_000, story.now)
    story.pass(100, false)
    expect([story.alive, story.liveness.silent(story.now)]).toEqual([['n1'], []]) // who does not answer is dead, whoever vouches
  })

  it('is not dead by one lost probe', () => {
    const story = new Story().bfd('up')
    story.bfd('down')
    let lost = 0
    story.pass(5_000, () => lost++ % 2 === 1)
    expect(story.alive).toContain('n2')
  })

  it('lives on by its answers while its BIRD is away, for the grace and no longer', () => {
    const story = new Story().bfd('up')
    story.pass(10, true)
    story.bfd('down')
    story.pass(LIVENESS_TIMES.grace - 10, true)
    expect(story.alive).toContain('n2')
    story.pass(20, true)
    expect(story.alive).toEqual(['n1'])
    story.bfd('up')
    expect(story.alive).toEqual(['n1', 'n2'])
  })

  it('is judged by probes when our own BIRD is gone', () => {
    const story = new Story().bfd('up')
    story.bfd('unknown')
    story.pass(20_000, true)
    expect(story.alive).toContain('n2')
    story.pass(1_000, false)
    expect(story.alive).toEqual(['n1'])
  })
})

describe('a node without BFD', () => {
  it('is dead after three probes, within 250 ms, and lives with the first answer', () => {
    const story = new Story()
    story.pass(1_000, true)
    expect(story.alive).toEqual(['n1', 'n2'])
    expect(story.pass(250, false)).toBeGreaterThanOrEqual(3)
    expect(story.alive).toEqual(['n1'])
    story.pass(LIVENESS_TIMES.idleEvery, true)
    expect(story.alive).toEqual(['n1', 'n2'])
  })

  it('is not dead by two lost probes', () => {
    const story = new Story()
    let lost = 0
    story.pass(5_000, () => lost++ % 3 === 2)
    expect(story.alive).toContain('n2')
  })
})

describe('the first moments', () => {
  it('claim nothing until all others are known', () => {
    const story = new Story('n2', 'n3')
    expect(story.liveness.settled).toBe(false)
    story.liveness.noteProbe('n2', true, story.now)
    story.liveness.tick(story.now)
    expect(story.liveness.settled).toBe(false)
    story.pass(500, (node) => node === 'n2')
    expect(story.liveness.settled).toBe(true)
    expect(story.alive).toEqual(['n1', 'n2'])
  })

  it('end after a while, when nothing is known', () => {
    const liveness = new Liveness('n1', 0)
    liveness.watch(['n2'], 0)
    liveness.tick(LIVENESS_TIMES.settle - 1)
    expect(liveness.settled).toBe(false)
    liveness.tick(LIVENESS_TIMES.settle)
    expect([...liveness.alive].sort()).toEqual(['n1', 'n2'])
  })

  it('are over for good', () => {
    const story = new Story()
    story.pass(100, true)
    story.liveness.watch(['n2', 'n3'], story.now)
    expect(story.liveness.settled).toBe(true)
  })
})

describe('a node that hears nobody', () => {
  it('is alone when there were others, and not before', () => {
    const story = new Story('n2', 'n3')
    story.pass(1_000, false)
    expect(story.liveness.alone).toBe(false)
    story.pass(1_000, (node) => node === 'n3')
    story.pass(1_000, false)
    expect(story.liveness.alone).toBe(true)
    story.liveness.watch([], story.now)
    expect(story.liveness.alone).toBe(false)
  })
})

it('says when something is due', () => {
  const story = new Story().bfd('up')
  story.liveness.tick(story.now)
  expect(story.liveness.dueAtInMs).toBe(Number.POSITIVE_INFINITY)
  story.bfd('down')
  expect(story.liveness.dueAtInMs).toBe(story.now)
  story.liveness.takeProbes(story.now)
  expect(story.liveness.dueAtInMs).toBe(story.now + LIVENESS_TIMES.doubtEvery)
})
