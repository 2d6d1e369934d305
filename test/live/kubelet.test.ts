import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { KubeletRig } from './kubelet/rig.ts'

const nginx = { name: 'nginx', image: 'nginx' }
const shell = (script: string, more: object = {}) => ({ name: 'main', image: 'shell', args: ['-c', script], ...more })

describe('the kubelet', () => {
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

  it('registers its node and keeps the Lease', async () => {
    const node = rig.api.get('nodes', '', 'n1')
    expect(node?.metadata.labels).toMatchObject({ 'node-role.kubernetes.io/master': '', 'kubernetes.io/hostname': 'n1' })
    expect(node?.spec).toMatchObject({ podCIDR: '10.77.1.0/29', podCIDRs: ['10.77.1.0/29', 'fd00:10:77::/64'] })
    expect(node?.status).toMatchObject({
      addresses: [
        { type: 'InternalIP', address: '192.168.77.1' },
        { type: 'InternalIP', address: 'fd00:77::1' },
        { type: 'Hostname', address: 'n1' },
      ],
      nodeInfo: { kubeletVersion: 'v1.36.2', containerRuntimeVersion: 'fairway://0.1.0' },
    })
    const renewed = () => (rig.api.get('leases', 'kube-node-lease', 'n1')?.spec as { renewTime?: string } | undefined)?.renewTime
    const first = renewed()
    expect(first).toMatch(/^\d{4}-.*\.\d{6}Z$/)
    await rig.api.until(() => renewed() !== first, 'a heartbeat')
  })

  it('serves nginx from a pod namespace in both families, and ends it at once', async () => {
    const createdAt = performance.now()
    rig.pod('web', { containers: [{ ...nginx, readinessProbe: { httpGet: { path: '/', port: 80 } } }] })
    await rig.untilReady('web')
    expect(performance.now() - createdAt).toBeLessThan(2000)
    const [four, six] = rig.status('web').podIPs ?? []
    for (const host of [four?.ip, `[${six?.ip}]`])
      expect((await rig.curl(`http://${host}`)).stdout).toContain('<title>Welcome to nginx!</title>')
    expect(rig.status('web')).toMatchObject({
      phase: 'Running',
      hostIP: '192.168.77.1',
      hostIPs: [{ ip: '192.168.77.1' }, { ip: 'fd00:77::1' }],
      containerStatuses: [
        { name: 'nginx', ready: true, started: true, restartCount: 0, image: 'nginx:latest', state: { running: {} } },
      ],
    })
    await rig.api.until(() => rig.api.messages().includes('Started: Container started'), 'Started')
    expect(rig.api.messages()).toContain(
      'Pulled: Container image "nginx" already present on machine and can be accessed by the pod',
    )
    const log = await rig.kubeletGet('/containerLogs/default/web/nginx?tailLines=1')
    expect(log).toMatchObject({ status: 200, body: expect.stringContaining('"GET / HTTP/1.1" 200 615') })
    const deletedAt = performance.now()
    rig.api.remove('pods', 'default', 'web', 30)
    await rig.untilGone('web')
    expect(performance.now() - deletedAt).toBeLessThan(1500)
  })

  it('runs two nginx at once, one with the network of the node', async () => {
    rig.pod('a', { containers: [nginx] })
    rig.pod('b', { hostNetwork: true, containers: [{ ...nginx, ports: [{ containerPort: 80 }] }] })
    await Promise.all([rig.untilReady('a'), rig.untilReady('b')])
    expect(rig.status('b').podIPs).toEqual([{ ip: '192.168.77.1' }, { ip: 'fd00:77::1' }])
    for (const host of [rig.status('a').podIPs?.[0]?.ip, '192.168.77.1', '[fd00:77::1]'])
      expect((await rig.curlUntilUp(`http://${host}`)).stdout).toContain('Welcome to nginx!')
    rig.pod('c', { hostNetwork: true, containers: [{ ...nginx, ports: [{ containerPort: 80 }] }] })
    await rig.api.until(() => rig.status('c').phase === 'Failed', 'a third on the same port refused')
    expect(rig.status('c')).toMatchObject({ reason: 'NodePorts', message: expect.stringContaining("didn't have free ports") })
  })

  it('names an unknown image and what to do, and starts it once it is there', async () => {
    rig.pod('new', { containers: [{ name: 'app', image: 'acme/app:1', args: ['-c', 'exec sleep 100'] }] })
    const waiting = () =>
      (rig.status('new').containerStatuses?.[0] as { state?: { waiting?: { reason: string; message: string } } } | undefined)
        ?.state?.waiting
    await rig.api.until(() => waiting()?.reason === 'ErrImagePull', 'ErrImagePull')
    expect(waiting()?.message).toContain(
      `The lab has no image "acme/app:1"; it has fairway/echo, fairway/gateway, nginx, shell. To add it, run \`fairway lab image add acme/app`,
    )
    await rig.api.until(() => waiting()?.reason === 'ImagePullBackOff', 'ImagePullBackOff')
    expect((await rig.kubeletGet('/containerLogs/default/new/app')).body).toContain(
      'is waiting to start: trying and failing to pull image',
    )
    writeFileSync(join(rig.images, 'acme_app.json'), JSON.stringify({ name: 'acme/app', command: ['/bin/sh'] }))
    await rig.untilReady('new')
    expect(rig.status('new').phase).toBe('Running')
  })

  it('restarts what crashes, with back-off, and keeps the log of the run before', async () => {
    rig.pod('crash', { containers: [shell('echo run; exit 3')] })
    const container = () =>
      rig.status('crash').containerStatuses?.[0] as
        | undefined
        | { restartCount: number; state: { waiting?: { reason: string; message: string } }; lastState: object }
    await rig.api.until(() => container()?.state.waiting?.reason === 'CrashLoopBackOff', 'CrashLoopBackOff')
    expect(container()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 3, reason: 'Error' } } })
    expect(container()?.state.waiting?.message).toMatch(/^back-off 1s restarting failed container=main pod=crash_default\(/)
    expect((await rig.kubeletGet('/containerLogs/default/crash/main?previous=true')).body).toBe('run\n')
    expect(
      rig.api
        .messages()
        .some((text) => text.startsWith('BackOff: Back-off restarting failed container main in pod crash_default(')),
    ).toBe(true)
  })

  it('finishes a pod that need not restart', async () => {
    rig.pod('job', { restartPolicy: 'Never', containers: [shell('exit 0')] })
    await rig.api.until(() => rig.status('job').phase === 'Succeeded', 'Succeeded')
    rig.pod('bad', { restartPolicy: 'Never', containers: [shell('exit 7')] })
    await rig.api.until(() => rig.status('bad').phase === 'Failed', 'Failed')
  })

  it('gives a container its environment and its own name, processes and files', async () => {
    const env = [
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'BOTH', value: '$(NODE)-$(IP)' },
    ]
    const script =
      'echo "$BOTH $(hostname) $$$$ $(id -u)"; touch /etc/x 2>/dev/null || echo read-only; ls /root /run | wc -l; exec sleep 100'
    rig.pod('env', { containers: [shell(script, { env })] })
    await rig.untilReady('env')
    await rig.api.until(() => rig.status('env').podIPs !== undefined, 'an address')
    const ip = rig.status('env').podIPs?.[0]?.ip
    const followed = await rig.curlLog('/containerLogs/default/env/main?follow=true', 'read-only\n')
    expect(followed).toContain(`n1-${ip} env 1 0\nread-only\n`)
  })

  it('gives SIGTERM its grace, then SIGKILL', async () => {
    rig.pod('slow', { containers: [shell("trap 'echo asked' TERM; echo up; while :; do sleep 0.05; done")] })
    await rig.untilReady('slow')
    await rig.curlLog('/containerLogs/default/slow/main?follow=true', 'up\n')
    const askedAt = performance.now()
    rig.api.remove('pods', 'default', 'slow', 1)
    await rig.curlLog('/containerLogs/default/slow/main?follow=true', 'asked\n')
    await rig.untilGone('slow')
    expect(performance.now() - askedAt).toBeGreaterThan(900)
    expect(rig.api.messages()).toContain('Killing: Stopping container main')
  })

  it('follows readiness both ways', async () => {
    const readinessProbe = { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1, failureThreshold: 1 }
    rig.pod('probe', {
      containers: [shell('sleep 0.3; touch /tmp/ready; sleep 2; rm /tmp/ready; exec sleep 100', { readinessProbe })],
    })
    await rig.api.until(() => rig.status('probe').phase === 'Running', 'Running')
    expect(rig.isReady('probe')).toBe(false)
    await rig.untilReady('probe')
    await rig.api.until(() => !rig.isReady('probe'), 'not Ready again')
    await rig.api.until(
      () => rig.api.messages().some((text) => text.startsWith('Unhealthy: Readiness probe failed')),
      'Unhealthy',
    )
  })

  it('leaves nothing when it is killed, and starts its pods anew', async () => {
    rig.pod('keep', { containers: [nginx] })
    rig.pod('host', { hostNetwork: true, containers: [nginx] })
    await Promise.all([rig.untilReady('keep'), rig.untilReady('host')])
    const before = rig.status('keep').podIPs
    await rig.endKubelet('SIGKILL')
    await rig.untilNoProcess()
    const orphan = await rig.leaveOrphan()
    await rig.startKubelet()
    expect(await rig.processes()).not.toContain(orphan)
    const restarts = (name: string) =>
      (rig.status(name).containerStatuses?.[0] as { restartCount?: number } | undefined)?.restartCount
    await rig.api.until(
      () => restarts('keep') === 1 && restarts('host') === 1 && rig.isReady('keep') && rig.isReady('host'),
      'both restarted',
    )
    expect(rig.status('keep').podIPs).toEqual(before)
    expect((await rig.curlUntilUp(`http://${before?.[0]?.ip}`)).stdout).toContain('Welcome to nginx!')
  })

  it('serves nobody without the client certificate', async () => {
    const answer = await rig.curl('-k', 'https://192.168.77.1:10250/pods')
    expect(answer.exitCode).not.toBe(0)
  })
})
