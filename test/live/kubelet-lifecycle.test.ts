/** What a kubelet does with a container between its start and its end: probes, hooks, init containers. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { KubeletRig } from './kubelet/rig.ts'

const shell = (script: string, more: object = {}) => ({ name: 'main', image: 'shell', args: ['-c', script], ...more })
const FOREVER = 'exec sleep 100'

describe('the life of a container', () => {
  let rig: KubeletRig

  beforeAll(async () => {
    rig = await KubeletRig.create()
    writeFileSync(join(rig.images, 'shell.json'), JSON.stringify({ name: 'shell', command: ['/bin/sh'] }))
  })

  afterAll(async () => {
    await rig?.destroy()
  })

  afterEach(async () => {
    for (const { metadata } of rig.api.list('pods')) {
      rig.api.remove('pods', 'default', metadata.name ?? '', 1)
      await rig.untilGone(metadata.name ?? '')
    }
    expect(await rig.leftovers()).toEqual([])
  })

  const container = (pod: string) =>
    rig.status(pod).containerStatuses?.[0] as
      | undefined
      | { restartCount: number; started: boolean; ready: boolean; lastState: { terminated?: { exitCode: number } } }
  const told = (words: string) => rig.api.until(() => rig.api.messages().some((text) => text.startsWith(words)), words)

  it('ends and restarts what fails its liveness probe', async () => {
    const livenessProbe = { exec: { command: ['test', '-e', '/tmp/well'] }, periodSeconds: 1, failureThreshold: 1 }
    rig.pod('sick', {
      terminationGracePeriodSeconds: 1,
      containers: [shell(`touch /tmp/well; sleep 0.5; rm /tmp/well; ${FOREVER}`, { livenessProbe })],
    })
    await rig.api.until(() => container('sick')?.restartCount === 1, 'a restart')
    expect(container('sick')?.lastState.terminated?.exitCode).toBe(137)
    await told('Unhealthy: Liveness probe failed:')
    await told('Killing: Container main failed liveness probe, will be restarted')
  })

  it('probes for readiness only what has started', async () => {
    const startupProbe = { exec: { command: ['test', '-e', '/tmp/up'] }, periodSeconds: 1, failureThreshold: 20 }
    const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1 }
    rig.pod('slow', { containers: [shell(`sleep 0.5; touch /tmp/up; ${FOREVER}`, { startupProbe, readinessProbe })] })
    await rig.api.until(() => rig.status('slow').phase === 'Running', 'Running')
    expect(container('slow')).toMatchObject({ started: false, ready: false })
    await rig.untilReady('slow')
    expect(container('slow')).toMatchObject({ started: true, ready: true, restartCount: 0 })
  })

  it('says that it has no gRPC probes', async () => {
    rig.pod('grpc', { containers: [shell(FOREVER, { readinessProbe: { grpc: { port: 1 } } })] })
    await told('Unhealthy: Readiness probe failed: the lab has no gRPC probes')
  })

  it('runs hooks in the container, preStop before SIGTERM and within the grace', async () => {
    const lifecycle = {
      postStart: { exec: { command: ['sh', '-c', 'echo after start > /tmp/said'] } },
      preStop: { exec: { command: ['sh', '-c', 'sleep 0.3; echo before end > /tmp/said'] } },
    }
    const script =
      "trap 'cat /tmp/said; exit 0' TERM; while ! test -e /tmp/said; do sleep 0.01; done; cat /tmp/said; while :; do sleep 0.01; done"
    rig.pod('hooks', { containers: [shell(script, { lifecycle })] })
    await rig.untilReady('hooks')
    await rig.curlLog('/containerLogs/default/hooks/main?follow=true', 'after start\n')
    const log = rig.curlLog('/containerLogs/default/hooks/main?follow=true', 'before end\n')
    rig.api.remove('pods', 'default', 'hooks', 10)
    await log
    await rig.untilGone('hooks')
  })

  it('gives a hook no more than the grace, and kills what fails its postStart', async () => {
    rig.pod('stuck', { containers: [shell(FOREVER, { lifecycle: { preStop: { sleep: { seconds: 100 } } } })] })
    await rig.untilReady('stuck')
    const askedAt = performance.now()
    rig.api.remove('pods', 'default', 'stuck', 1)
    await rig.untilGone('stuck')
    expect(performance.now() - askedAt).toBeLessThan(4000)
    const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'echo oh no >&2; exit 1'] } } }
    rig.pod('bad', { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [shell(FOREVER, { lifecycle })] })
    await rig.api.until(() => rig.status('bad').phase === 'Failed', 'Failed')
    await told('FailedPostStartHook: PostStartHook failed: oh no')
  })

  it('runs init containers in their order, and sidecars beside the rest', async () => {
    rig.pod('init', {
      restartPolicy: 'Never',
      initContainers: [
        { ...shell('exit 0'), name: 'first' },
        { ...shell(FOREVER), name: 'side', restartPolicy: 'Always' },
        { ...shell('exit 0'), name: 'last' },
      ],
      terminationGracePeriodSeconds: 1,
      containers: [shell('exit 0')],
    })
    await rig.api.until(() => rig.status('init').phase === 'Succeeded', 'Succeeded')
    const { initContainerStatuses } = rig.status('init') as unknown as { initContainerStatuses: object[] }
    expect(initContainerStatuses).toMatchObject([
      { name: 'first', ready: true, state: { terminated: { exitCode: 0 } } },
      { name: 'side', state: { terminated: {} } },
      { name: 'last', ready: true, state: { terminated: { exitCode: 0 } } },
    ])
    rig.pod('broken', {
      restartPolicy: 'Never',
      initContainers: [{ ...shell('exit 5'), name: 'first' }],
      containers: [shell(FOREVER)],
    })
    await rig.api.until(() => rig.status('broken').phase === 'Failed', 'Failed')
    expect(rig.status('broken').conditions).toContainEqual(expect.objectContaining({ type: 'Initialized', status: 'False' }))
  })
})
