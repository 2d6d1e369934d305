import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ContainerStatus, Pod } from '../../kube/types.ts'
import { AddressPool } from './addresses.ts'
import { containerCommand, expand } from './container-env.ts'
import { afterExit, goDuration, NO_BACKOFF, restarts } from './crash-backoff.ts'
import { CriLineWriter, parseLogQuery, renderLogLine, tailOf } from './cri-log.ts'
import { parseKubeletFlags } from './flags.ts'
import { nodeSideLines, podSideLines, podWireNames } from './pod-network.ts'
import { podPhase, podStatus } from './pod-status.ts'
import { afterProbe, type ProbeTiming, UNPROBED } from './probe-state.ts'

describe('pod addresses', () => {
  it('go round, skip what is not for pods, and come back after a restart', () => {
    const pool = new AddressPool(['10.0.0.0/29', 'fd00::/64'])
    expect(pool.allocate('a')).toEqual(['10.0.0.2', 'fd00::2'])
    pool.release('a')
    const again = new AddressPool(['10.0.0.0/29', 'fd00::/64'], pool.state())
    expect(again.allocate('b')).toEqual(['10.0.0.3', 'fd00::3'])
    expect(again.allocate('b')).toEqual(['10.0.0.3', 'fd00::3'])
  })

  it('are never held twice, and run out with a code', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 8 })), { maxLength: 60 }), (steps) => {
        const pool = new AddressPool(['10.0.0.0/28'])
        const held = new Map<number, string>()
        for (const [take, holder] of steps) {
          if (take) held.set(holder, pool.allocate(String(holder))[0] ?? '')
          else {
            pool.release(String(holder))
            held.delete(holder)
          }
          expect(new Set(held.values()).size).toBe(held.size)
        }
      }),
    )
    const small = new AddressPool(['10.0.0.0/29'])
    for (const holder of ['a', 'b', 'c', 'd', 'e']) small.allocate(holder)
    expect(() => small.allocate('f')).toThrow('No address of 10.0.0.0/29 is free')
  })
})

describe('pod wires', () => {
  it('have names that fit and follow from the uid', () => {
    const { netns, hostLink } = podWireNames('lab', '7b2bb9d5-d8d8-490a-bf61-2515baa15f2a')
    expect(netns).toMatch(/^fw-lab-pod-[0-9a-f]{10}$/)
    expect(hostLink.length).toBeLessThanOrEqual(15)
  })

  it('know both ends before a packet flows', () => {
    const wires = { netns: 'n', hostLink: 'pod1', addresses: ['10.0.0.2', 'fd00::2'], gateways: ['10.0.0.1', 'fd00::1'] }
    const inside = podSideLines(wires, 42)
    expect(inside).toContain('addr add fd00::2/128 dev eth0 nodad')
    expect(inside).toContain('route add default via 10.0.0.1 dev eth0')
    const mac = /address (\S+)/.exec(inside[1] ?? '')?.[1]
    expect(nodeSideLines(wires)).toContain(`neigh replace 10.0.0.2 lladdr ${mac} dev pod1 nud permanent`)
  })
})

describe('container logs', () => {
  it('lose no byte, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 40 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        (lines, cut) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
          const writer = new CriLineWriter('stdout')
          let log = ''
          for (let at = 0; at < bytes.length; at += cut) log += writer.push(bytes.subarray(at, at + cut), 'T')
          log += writer.flush('T')
          const shown = log
            .split('\n')
            .slice(0, -1)
            .map((line) => renderLogLine(line, { timestamps: false }))
            .join('')
          expect(shown).toBe(bytes.toString())
        },
      ),
    )
  })

  it('cut long lines into parts that read as one', () => {
    const log = new CriLineWriter('stderr').push(Buffer.from(`${'x'.repeat(20_000)}\n`), 'T')
    expect(log.split('\n').map((line) => line.slice(0, 11))).toEqual(['T stderr P ', 'T stderr F ', ''])
    const lines = log.split('\n').slice(0, -1)
    expect(tailOf(lines, 1)).toEqual(lines)
    expect(lines.map((line) => renderLogLine(line, { timestamps: false })).join('')).toBe(`${'x'.repeat(20_000)}\n`)
  })

  it('are cut by number and time', () => {
    const lines = ['2026-01-01T00:00:00Z stdout F a', '2026-01-01T00:00:10Z stdout F b']
    expect(tailOf(lines, 1)).toEqual([lines[1]])
    expect(tailOf(lines, 0)).toEqual([])
    expect(lines.map((line) => renderLogLine(line, { timestamps: true, sinceInMs: Date.parse('2026-01-01T00:00:05Z') }))).toEqual(
      ['', '2026-01-01T00:00:10Z b\n'],
    )
    expect(parseLogQuery(new URLSearchParams('follow=true&tailLines=5&sinceSeconds=1'), 5000)).toMatchObject({
      follow: true,
      tailLines: 5,
      sinceInMs: 4000,
    })
    expect(parseLogQuery(new URLSearchParams('tailLines=x'), 0)).toBe('tailLines must be a whole number, not "x"')
  })
})

describe('restarts', () => {
  it('wait 0, 10, 20 ... 300 s, and start over after a long run', () => {
    const waits: number[] = []
    let backoff = NO_BACKOFF
    for (let n = 0; n < 8; n++) {
      const { waitInMs, next } = afterExit(backoff, 1000, 'kubernetes')
      waits.push(waitInMs / 1000)
      backoff = next
    }
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300])
    expect(afterExit(backoff, 700_000, 'kubernetes').waitInMs).toBe(0)
    expect(afterExit({ delayInMs: 20_000 }, 1000, 'quick')).toEqual({ waitInMs: 20_000, next: { delayInMs: 30_000 } })
    expect(afterExit(NO_BACKOFF, 1000, 'quick').next).toEqual({ delayInMs: 1000 })
    expect([10_000, 160_000, 300_000].map(goDuration)).toEqual(['10s', '2m40s', '5m0s'])
  })

  it.each([
    ['Always', 0, true],
    ['Always', 1, true],
    ['OnFailure', 0, false],
    ['OnFailure', 1, true],
    ['Never', 1, false],
    [undefined, 0, true],
  ])('%s after exit code %i', (policy, exitCode, expected) => expect(restarts(policy, exitCode)).toBe(expected))
})

describe('probe results', () => {
  const timing: ProbeTiming = { initialDelayInMs: 0, periodInMs: 1, timeoutInMs: 1, successThreshold: 2, failureThreshold: 3 }
  it('count only in a row', () => {
    const verdicts = (results: string) => {
      let state = UNPROBED
      return [...results]
        .map((each) => {
          state = afterProbe(state, each === '+', timing)
          return state.passing ? '+' : '-'
        })
        .join('')
    }
    expect(verdicts('+-++--+---')).toBe('---++++++-')
  })
})

describe('pod status', () => {
  const container = (state: object, more: object = {}): ContainerStatus =>
    ({ name: 'c', ready: false, restartCount: 0, image: 'i', imageID: '', state, lastState: {}, ...more }) as ContainerStatus
  const pod = (restartPolicy = 'Always', more: object = {}): Pod => ({
    metadata: { name: 'p', ...more },
    spec: { restartPolicy, containers: [] },
  })
  const running = { running: {} }
  const ended = (exitCode: number) => ({ terminated: { exitCode } })
  const waiting = { waiting: { reason: 'ContainerCreating' } }

  it.each<[string, Pod, ContainerStatus[], string]>([
    ['not begun', pod(), [container(waiting)], 'Pending'],
    ['half begun', pod(), [container(running), container(waiting)], 'Pending'],
    ['running', pod(), [container(running)], 'Running'],
    ['in back-off', pod(), [container({ waiting: { reason: 'CrashLoopBackOff' } }, { lastState: ended(1) })], 'Running'],
    ['ended well', pod('Never'), [container(ended(0))], 'Succeeded'],
    ['ended badly', pod('Never'), [container(ended(0)), container(ended(1))], 'Failed'],
    ['to be restarted', pod('OnFailure'), [container(ended(1))], 'Running'],
    ['deleted, ended well', pod('Always', { deletionTimestamp: 'x' }), [container(ended(0))], 'Succeeded'],
    ['deleted, killed', pod('Always', { deletionTimestamp: 'x' }), [container(ended(137))], 'Failed'],
  ])('%s', (_what, which, containers, phase) => expect(podPhase(which, containers)).toBe(phase))

  it('keeps the times of conditions that did not change, and conditions of others', () => {
    const view = {
      containers: [container(running, { ready: true })],
      podIPs: ['10.0.0.2'],
      hostIPs: ['1.1.1.1'],
      startedAtInMs: 0,
    }
    const first = podStatus(pod(), view, 1000)
    const foreign = { type: 'Foreign', status: 'True' }
    const later = podStatus(
      { ...pod(), status: { ...first, conditions: [...(first.conditions ?? []), foreign] } },
      { ...view, containers: [container(running)] },
      9000,
    )
    expect(later.conditions).toMatchObject([
      { type: 'PodReadyToStartContainers', status: 'True', lastTransitionTime: '1970-01-01T00:00:01Z' },
      { type: 'Initialized', status: 'True' },
      {
        type: 'Ready',
        status: 'False',
        lastTransitionTime: '1970-01-01T00:00:09Z',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [c]',
      },
      { type: 'ContainersReady', status: 'False' },
      { type: 'PodScheduled', status: 'True' },
      foreign,
    ])
  })

  it('is not Ready while a gate is closed', () => {
    const gated = { ...pod(), spec: { containers: [], readinessGates: [{ conditionType: 'x.y/z' }] } }
    const { conditions } = podStatus(
      gated,
      { containers: [container(running, { ready: true })], podIPs: [], hostIPs: [], startedAtInMs: 0 },
      0,
    )
    expect(conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady' })
  })
})

describe('commands', () => {
  const image = { name: 'i', entrypoint: ['/e'], args: ['a'], env: {}, workingDir: '/', emptyDirs: [], files: {}, visible: [] }
  it.each<[string[] | undefined, string[] | undefined, string[]]>([
    [undefined, undefined, ['/e', 'a']],
    [undefined, ['b'], ['/e', 'b']],
    [['c'], undefined, ['c']],
    [['c'], ['$(X)'], ['c', 'y']],
  ])('command %j, args %j', (command, args, expected) =>
    expect(containerCommand({ name: 'c', command, args }, image, { X: 'y' })).toEqual(expected))

  it('expand as Kubernetes does', () => expect(expand('$(A) $$(A) $(B) $C', { A: '1' })).toBe('1 $(A) $(B) $C'))
})

describe('flags', () => {
  it('name what is wrong', () => {
    expect(() => parseKubeletFlags(['--nod', 'x'])).toThrow('The flag --nod is not known')
    expect(() => parseKubeletFlags(['--node', 'x'])).toThrow('The flag --kubeconfig is missing.')
    expect(() => parseKubeletFlags(['--node'])).toThrow('The flag --node needs a value.')
  })
})
