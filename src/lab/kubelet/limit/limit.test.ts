import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { groupsNamed, limitFiles, oomKills, removeGroup } from './cgroup.ts'
import { findHierarchies } from './hierarchy.ts'
import { limitsOf, PodLimits } from './pod-limits.ts'
import { resourceValue } from './resource-field.ts'

const V1 = [
  '31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct',
  '32 25 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory',
  '33 25 0:29 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids',
  '34 25 0:30 / /proc rw - proc proc rw',
].join('\n')
const V2 = '31 25 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate'

describe('the trees of control groups', () => {
  it('are found in both versions, with whose group this process is in', () => {
    expect(findHierarchies(V1, '3:memory:/system/it\n2:cpu,cpuacct:/\n1:pids:/\n0::/\n')).toEqual([
      { version: 1, dir: '/sys/fs/cgroup/cpu,cpuacct', own: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu'] },
      { version: 1, dir: '/sys/fs/cgroup/memory', own: '/sys/fs/cgroup/memory/system/it', controllers: ['memory'] },
    ])
    const unified = { version: 2, dir: '/sys/fs/cgroup', controllers: ['cpu', 'memory'] }
    expect(findHierarchies(V2, '0::/\n')).toEqual([{ ...unified, own: '/sys/fs/cgroup' }])
    expect(findHierarchies(V2, '0::/user.slice/session-1.scope\n')).toEqual([
      { ...unified, own: '/sys/fs/cgroup/user.slice/session-1.scope' },
    ])
  })

  it('have their top where a container sees it', () => {
    const mounted = V1.replace('0:28 /', '0:28 /docker/1')
    expect(findHierarchies(mounted, '3:memory:/docker/1/a\n2:cpu,cpuacct:/../b').map(({ own }) => own)).toEqual([
      '/sys/fs/cgroup/cpu,cpuacct',
      '/sys/fs/cgroup/memory/a',
    ])
  })

  it('are none where none is mounted', () => expect(findHierarchies('', '')).toEqual([]))
})

describe('limits', () => {
  it('are files of each version', () => {
    const limits = { cpus: 0.25, memoryInBytes: 64 * 2 ** 20 }
    expect(limitFiles(1, 'cpu', limits)).toEqual([
      ['cpu.cfs_period_us', '100000'],
      ['cpu.cfs_quota_us', '25000'],
    ])
    expect(limitFiles(2, 'cpu', limits)).toEqual([['cpu.max', '25000 100000']])
    expect(limitFiles(1, 'memory', limits)).toEqual([
      ['memory.limit_in_bytes', '67108864'],
      ['memory.memsw.limit_in_bytes', '67108864'],
    ])
    expect(limitFiles(2, 'memory', limits)).toEqual([
      ['memory.max', '67108864'],
      ['memory.swap.max', '0'],
    ])
    expect(limitFiles(2, 'cpu', { cpus: 0.001 })).toEqual([['cpu.max', '1000 100000']])
    expect(limitFiles(2, 'memory', { cpus: 1 })).toEqual([])
  })

  it('are read of the container; 0 is none', () => {
    const resources = { limits: { cpu: '500m', memory: '1Gi' } }
    expect(limitsOf({ name: 'a', resources })).toEqual({ cpus: 0.5, memoryInBytes: 2 ** 30 })
    expect(limitsOf({ name: 'a', resources: { limits: { cpu: '0' }, requests: { cpu: '1' } } })).toEqual({})
  })
})

describe('the groups of a pod', () => {
  const container = { name: 'main', resources: { limits: { cpu: '1', memory: '64Mi' } } }
  let dir: string
  let told: string[]

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fwt-limit-'))
    told = []
    writeFileSync(join(dir, 'cgroup.subtree_control'), 'cpuset cpu memory\n')
  })

  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const limitsAt = (version: 1 | 2, own = dir): PodLimits => {
    const hierarchies = [{ version, dir, own, controllers: ['cpu', 'memory'] }] as const
    return new PodLimits({ hierarchies, path: 'fairway-x/n1/uid', unheld: (message) => told.push(message) })
  }

  it('are made with their limits, and count what the kernel ended since', () => {
    const group = join(dir, 'fairway-x/n1/uid/main')
    mkdirSync(group, { recursive: true })
    writeFileSync(join(group, 'memory.events'), 'oom 1\noom_kill 1\n')
    const hold = limitsAt(2).hold(container)
    expect(hold.files).toContain(join(group, 'cgroup.procs'))
    expect(readFileSync(join(group, 'memory.max'), 'utf8')).toBe('67108864')
    expect(readFileSync(join(group, 'cpu.max'), 'utf8')).toBe('100000 100000')
    expect(hold.oomKilled()).toBe(false)
    writeFileSync(join(group, 'memory.events'), 'oom 3\noom_kill 2\n')
    expect(hold.oomKilled()).toBe(true)
    expect(oomKills(join(dir, 'nowhere'))).toBe(0)
  })

  it('go to the top of the unified tree, and below the own group of the old version', () => {
    const own = join(dir, 'user.slice')
    mkdirSync(own)
    expect(limitsAt(2, own).hold(container).files[0]).toBe(join(dir, 'fairway-x/n1/uid/main/cgroup.procs'))
    expect(limitsAt(1, own).hold(container).files[0]).toBe(join(own, 'fairway-x/n1/uid/main/cgroup.procs'))
    expect(readFileSync(join(own, 'fairway-x/n1/uid/main/memory.limit_in_bytes'), 'utf8')).toBe('67108864')
  })

  it('go below the own group of the unified tree where it has the controllers and the top has them not on', () => {
    const own = join(dir, 'delegated')
    mkdirSync(own)
    writeFileSync(join(dir, 'cgroup.subtree_control'), '')
    writeFileSync(join(own, 'cgroup.controllers'), 'cpu memory\n')
    expect(limitsAt(2, own).hold(container).files).toHaveLength(2)
    expect(readFileSync(join(own, 'cgroup.subtree_control'), 'utf8')).toMatch(/^\+(cpu|memory)$/)
    expect(readFileSync(join(dir, 'cgroup.subtree_control'), 'utf8')).toBe('')
  })

  it('are not made without the controller: that is told once', () => {
    writeFileSync(join(dir, 'cgroup.subtree_control'), 'cpu\n')
    const limits = limitsAt(2)
    expect(limits.hold(container).files).toHaveLength(1)
    expect(limits.hold(container).files).toHaveLength(1)
    expect(told).toEqual([
      'This machine does not let the lab hold containers to their memory limits (it has no cgroups for memory); they run without.',
    ])
    expect(existsSync(join(dir, 'fairway-x/n1/uid/main/memory.max'))).toBe(false)
  })

  it('are removed with what is below, and need not be there', async () => {
    mkdirSync(join(dir, 'elsewhere/fairway-x/n1/uid/main'), { recursive: true })
    mkdirSync(join(dir, 'fairway-x/n1/uid/main'), { recursive: true })
    expect(groupsNamed('fairway-x', dir).toSorted()).toEqual([join(dir, 'elsewhere/fairway-x'), join(dir, 'fairway-x')])
    expect(await removeGroup(join(dir, 'fairway-x'))).toBe(true)
    expect(existsSync(join(dir, 'fairway-x'))).toBe(false)
    expect(await removeGroup(join(dir, 'fairway-x'))).toBe(true)
  })
})

describe('resource fields', () => {
  const main = { name: 'main', resources: { limits: { memory: '64Mi' }, requests: { cpu: '1500m' } } }
  const pod = { metadata: { name: 'a' }, spec: { containers: [main, { name: 'bare' }] } }
  const node = { cpu: 4, memory: 8 * 2 ** 30 }
  it.each([
    ['the limit in bytes', { resource: 'limits.memory' }, '67108864'],
    ['in units', { resource: 'limits.memory', divisor: '1Mi' }, '64'],
    ['rounded up', { resource: 'requests.cpu' }, '2'],
    ['in thousandths', { resource: 'requests.cpu', divisor: '1m' }, '1500'],
    ['of the node, where there is no limit', { resource: 'limits.cpu' }, '4'],
    ['nothing, where there is no request', { resource: 'requests.memory' }, '0'],
    ['of another container', { containerName: 'bare', resource: 'limits.memory', divisor: '1Gi' }, '8'],
    ['of a container that there is not', { containerName: 'none', resource: 'limits.cpu' }, undefined],
    ['that is none', { resource: 'limits.cats' }, undefined],
  ])('%s', (_name, ref, expected) => expect(resourceValue(pod, main, ref, node)).toBe(expected))
})
