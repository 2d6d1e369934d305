/** CPU and memory limits, as far as this machine lets the lab hold containers to them, and how the end of a container is told. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { baseFor, groupsNamed } from '../../src/lab/kubelet/limit/cgroup.ts'
import type { Controller } from '../../src/lab/kubelet/limit/hierarchy.ts'
import { readHierarchies } from '../../src/lab/kubelet/limit/sweep.ts'
import { KubeletRig } from './kubelet/rig.ts'

const placeOf = (controller: Controller) =>
  readHierarchies().flatMap((each) => {
    const dir = baseFor(each, controller)
    return dir === undefined ? [] : [{ version: each.version, dir }]
  })[0]
const cpu = placeOf('cpu')
const memory = placeOf('memory')
const shell = (script: string, more: object = {}) => ({ name: 'main', image: 'shell', args: ['-c', script], ...more })

let rig: KubeletRig

beforeAll(async () => {
  rig = await KubeletRig.create()
  writeFileSync(join(rig.images, 'shell.json'), JSON.stringify({ name: 'shell', command: ['/bin/sh'] }))
})

afterAll(async () => {
  await rig?.destroy()
})

const groupsOf = (dir: string) => join(dir, `fairway-${rig.lab}`)

it.skipIf(cpu === undefined)('CPU limits hold all processes of a container, and go with the pod and after a crash', async () => {
  const dir = cpu?.dir ?? ''
  rig.pod('slow', { containers: [shell('sleep 300 & wait', { resources: { limits: { cpu: '250m' } } })] })
  await rig.untilReady('slow')
  const uid = rig.api.get('pods', 'default', 'slow')?.metadata.uid ?? ''
  const group = join(groupsOf(dir), 'n1', uid, 'main')
  const quota = readFileSync(join(group, cpu?.version === 2 ? 'cpu.max' : 'cpu.cfs_quota_us'), 'utf8')
  expect(quota.trim()).toBe(cpu?.version === 2 ? '25000 100000' : '25000')
  const processes = () => readFileSync(join(group, 'cgroup.procs'), 'utf8').trim().split('\n').length
  await expect.poll(processes, { interval: 20 }).toBeGreaterThanOrEqual(3) // bubblewrap, the shell, what it starts in the end
  await rig.endKubelet('SIGKILL')
  await rig.untilNoProcess()
  expect(existsSync(group)).toBe(true)
  rig.api.remove('pods', 'default', 'slow', 0)
  await rig.startKubelet()
  await rig.untilGone('slow')
  await expect.poll(() => existsSync(join(groupsOf(dir), 'n1')), { interval: 20 }).toBe(false)
})

it.skipIf(memory === undefined)('a container that takes more memory than its limit is OOMKilled and starts again', async () => {
  const eat = 'test -e /data/once && exec sleep 300; touch /data/once; tail /dev/zero; exit 137'
  const volumeMounts = [{ name: 'data', mountPath: '/data' }]
  const resources = { limits: { memory: '32Mi' } }
  rig.pod('big', { containers: [shell(eat, { resources, volumeMounts })], volumes: [{ name: 'data', emptyDir: {} }] })
  const status = () => rig.status('big').containerStatuses?.[0]
  await rig.api.until(() => status()?.restartCount === 1 && status()?.ready === true, 'its second run')
  expect(status()).toMatchObject({ lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } } })
  expect(groupsNamed('main', groupsOf(memory?.dir ?? ''))).toHaveLength(1)
  rig.api.remove('pods', 'default', 'big', 1)
  await rig.untilGone('big')
  expect(groupsNamed('main', groupsOf(memory?.dir ?? ''))).toEqual([])
})

it.skipIf(memory !== undefined)('a machine that does not let us says so in one Event, and the pod runs', async () => {
  const limited = shell('sleep 300', { resources: { limits: { memory: '32Mi' } } })
  rig.pod('free', { containers: [limited, { ...limited, name: 'other' }], terminationGracePeriodSeconds: 0 })
  await rig.untilReady('free')
  const words = () => rig.api.messages().filter((each) => each.startsWith('LimitsNotHeld: This machine does not let the lab'))
  await rig.api.until(() => words().length > 0, 'the Event')
  expect(words()).toHaveLength(1)
  rig.api.remove('pods', 'default', 'free', 1)
  await rig.untilGone('free')
})

it('a container finds its limits in its environment, and says why it ended', async () => {
  const env = [{ name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'requests.cpu', divisor: '1m' } } }]
  const failing = (name: string, script: string, more: object) => ({ ...shell(`${script}; exit 3`), name, ...more })
  rig.pod('told', {
    restartPolicy: 'Never',
    containers: [
      failing('file', 'printf "has $CPUS" >/dev/termination-log', { env, resources: { requests: { cpu: '250m' } } }),
      failing('path', 'printf elsewhere >/tmp/why', { terminationMessagePath: '/tmp/why' }),
      failing('log', 'echo last words', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
      failing('mute', 'echo last words', {}),
    ],
  })
  await rig.api.until(() => rig.status('told').phase === 'Failed', 'its end')
  const statuses = rig.status('told').containerStatuses as unknown as { state: { terminated: { message?: string } } }[]
  expect(statuses.map(({ state }) => state.terminated.message)).toEqual(['has 250', 'elsewhere', 'last words\n', undefined])
  rig.api.remove('pods', 'default', 'told', 1)
  await rig.untilGone('told')
})

it('a container has the capabilities that it adds, and not those that it drops', async () => {
  const show = { ...shell("grep CapBnd /proc/self/status | tr -d '\\n' >/dev/termination-log") }
  const capabilities = { add: ['NET_ADMIN'], drop: ['ALL'] }
  rig.pod('able', {
    restartPolicy: 'Never',
    containers: [
      { ...show, name: 'one', securityContext: { capabilities } },
      { ...show, name: 'usual' },
    ],
  })
  await rig.api.until(() => rig.status('able').phase === 'Succeeded', 'its end')
  const statuses = rig.status('able').containerStatuses as unknown as { state: { terminated: { message?: string } } }[]
  const masks = statuses.map(({ state }) => Number.parseInt(state.terminated.message?.split('\t')[1] ?? '', 16))
  expect(masks).toEqual([1 << 12, 0xa80425fb])
  rig.api.remove('pods', 'default', 'able', 1)
  await rig.untilGone('able')
})

it('a container runs as the user and the groups that it asks for, with no way to more and a root that it cannot write to', async () => {
  const script = `echo hello >/dev/stdout && heard=seen; { id -u; id -g; id -G; grep NoNewPrivs /proc/self/status; echo $heard
    touch /tmp/a || echo closed; touch /data/a && echo open; } >/dev/termination-log 2>/dev/null`
  const securityContext = { runAsGroup: 3000, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false }
  const volumeMounts = [{ name: 'data', mountPath: '/data' }]
  rig.pod('modest', {
    restartPolicy: 'Never',
    securityContext: { runAsUser: 1000, runAsNonRoot: true, supplementalGroups: [4000], fsGroup: 2000 },
    containers: [shell(script, { securityContext, volumeMounts })],
    volumes: [{ name: 'data', emptyDir: {} }],
  })
  await rig.api.until(() => rig.status('modest').phase === 'Succeeded', 'its end')
  const [status] = rig.status('modest').containerStatuses as unknown as { state: { terminated: { message?: string } } }[]
  const words = ['1000', '3000', '3000 2000 4000', 'NoNewPrivs:\t1', 'seen', 'closed', 'open']
  expect(status?.state.terminated.message?.trim().split('\n')).toEqual(words)
  rig.api.remove('pods', 'default', 'modest', 1)
  await rig.untilGone('modest')
})

it('a container that must not run as root, and would, does not start', async () => {
  rig.pod('proud', { securityContext: { runAsNonRoot: true }, containers: [shell('true')] })
  const waiting = () =>
    (rig.status('proud').containerStatuses?.[0] as { state?: { waiting?: { reason?: string; message?: string } } } | undefined)
      ?.state?.waiting
  await rig.api.until(() => waiting()?.reason === 'CreateContainerConfigError', 'its refusal')
  expect(waiting()?.message).toMatch(
    /^container has runAsNonRoot and image will run as root \(pod: "proud_default\(.*\)", container: main\)$/,
  )
  rig.api.remove('pods', 'default', 'proud', 1)
  await rig.untilGone('proud')
})
