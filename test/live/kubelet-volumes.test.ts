/** What a container finds in its environment and at its mount paths. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/kube/types.ts'
import { KubeletRig } from './kubelet/rig.ts'

const shell = (script: string, more: object = {}) => ({ name: 'main', image: 'shell', args: ['-c', script], ...more })
const LOG = '/containerLogs/default/p/main?follow=true'

describe('volumes and environment', () => {
  let rig: KubeletRig

  beforeAll(async () => {
    rig = await KubeletRig.create()
    writeFileSync(join(rig.images, 'shell.json'), JSON.stringify({ name: 'shell', command: ['/bin/sh'] }))
    rig.api.create('configmaps', object('colours', { sky: 'blue', grass: 'green' }))
    rig.api.create('secrets', object('key', { word: Buffer.from('sesame').toString('base64') }))
  })

  afterAll(async () => {
    await rig?.destroy()
  })

  afterEach(async () => {
    rig.api.remove('pods', 'default', 'p', 1)
    await rig.untilGone('p')
    expect(await rig.leftovers()).toEqual([])
  })

  const object = (name: string, data: object) => ({ metadata: { name, namespace: 'default' }, data }) as KubeObject
  const told = (words: string) => rig.api.until(() => rig.api.messages().some((text) => text.startsWith(words)), words)

  it('fills the environment from keys, and waits for what is not there', async () => {
    const env = [
      { name: 'SKY', valueFrom: { configMapKeyRef: { name: 'colours', key: 'sky' } } },
      { name: 'WORD', valueFrom: { secretKeyRef: { name: 'key', key: 'word' } } },
      { name: 'NONE', valueFrom: { secretKeyRef: { name: 'none', key: 'x', optional: true } } },
      { name: 'ALL', value: '$(SKY) $(WORD) $(C_grass)' },
    ]
    const envFrom = [{ prefix: 'C_', configMapRef: { name: 'colours' } }, { configMapRef: { name: 'late' } }]
    rig.pod('p', { containers: [shell('echo "$ALL $NOW ($NONE)"; exec sleep 100', { env, envFrom })] })
    await told('Failed: Error: configmap "late" not found')
    rig.api.create('configmaps', object('late', { NOW: 'now' }))
    await rig.untilReady('p')
    expect(await rig.curlLog(LOG, '()')).toBe('blue sesame green now ()\n')
  })

  it('tells containers of Services, as many as there are, and mounts below a link of the root', async () => {
    const service = (name: string, clusterIP: string) =>
      rig.api.create('services', {
        metadata: { name, namespace: 'default' },
        spec: { clusterIP, ports: [{ port: 80, protocol: 'TCP' }] },
      } as KubeObject)
    for (let number = 0; number < 1_500; number++) service(`s-${number}`, `10.96.${number >> 8}.${number & 255}`)
    const env = [{ name: 'ASKS', value: 'http://$(S_1499_SERVICE_HOST):$(S_0_SERVICE_PORT)' }]
    const volumeMounts = [{ name: 'key', mountPath: '/var/run/secrets/x/y' }]
    const script = 'echo "$ASKS" $S_7_PORT $(env | grep -c _SERVICE_HOST=) $(cat /run/secrets/x/y/word); exec sleep 100'
    rig.pod('p', {
      volumes: [{ name: 'key', secret: { secretName: 'key' } }],
      containers: [shell(script, { env, volumeMounts })],
    })
    await rig.untilReady('p')
    expect(await rig.curlLog(LOG, 'sesame')).toBe('http://10.96.5.219:80 tcp://10.96.0.7:80 1500 sesame\n')
  })

  it('lays volumes at any path, with modes, subPaths and fields, and shares an emptyDir', async () => {
    const volumes = [
      { name: 'c', configMap: { name: 'colours', items: [{ key: 'sky', path: 'deep/sky', mode: 0o400 }] } },
      { name: 'whole', configMap: { name: 'colours' } },
      { name: 's', secret: { secretName: 'key', defaultMode: 0o440 } },
      {
        name: 'all',
        projected: {
          sources: [
            { secret: { name: 'key' } },
            { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          ],
        },
      },
      { name: 'e', emptyDir: {} },
      { name: 'h', hostPath: { path: '/usr/share/common-licenses' } },
    ]
    const volumeMounts = [
      { name: 'c', mountPath: '/etc/fairway-test/c' },
      { name: 'whole', mountPath: '/etc/hostname', subPath: 'grass' },
      { name: 's', mountPath: '/fairway-secret' },
      { name: 'all', mountPath: '/srv/all' },
      { name: 'e', mountPath: '/fairway-data' },
      { name: 'h', mountPath: '/licenses' },
    ]
    const script = [
      'cat /etc/fairway-test/c/deep/sky /etc/hostname /fairway-secret/word /srv/all/word /srv/all/labels; echo',
      "stat -L -c '%a' /etc/fairway-test/c/deep/sky /fairway-secret/word",
      'touch /fairway-secret/x 2>/dev/null || echo read-only; test -e /licenses/GPL-3 && test -e /etc/passwd && test -d /usr/bin && echo there',
      'while ! test -e /fairway-data/from-other; do sleep 0.02; done; cat /fairway-data/from-other; exec sleep 100',
    ].join('\n')
    const other = shell('echo shared > /d/new; mv /d/new /d/from-other; exec sleep 100', {
      name: 'other',
      volumeMounts: [{ name: 'e', mountPath: '/d' }],
    })
    rig.pod('p', { volumes, containers: [shell(script, { volumeMounts }), other] }, { labels: { app: 'x' } })
    await rig.untilReady('p')
    expect(await rig.curlLog(LOG, 'shared\n')).toBe('bluegreensesamesesameapp="x"\n400\n440\nread-only\nthere\nshared\n')
  })

  it('brings changes of a ConfigMap to the running pod', async () => {
    rig.api.create('configmaps', object('pair', { a: '1', b: '1' }))
    const script =
      'while :; do cd /fairway-pair; x=$(cat ..data/a ..data/b); case $x in 11) ;; 22) echo changed; exec sleep 100;; *) echo torn $x;; esac; done'
    const volumeMounts = [{ name: 'pair', mountPath: '/fairway-pair' }]
    rig.pod('p', { volumes: [{ name: 'pair', configMap: { name: 'pair' } }], containers: [shell(script, { volumeMounts })] })
    await rig.untilReady('p')
    rig.api.replace('configmaps', {
      ...(rig.api.get('configmaps', 'default', 'pair') as KubeObject),
      data: { a: '2', b: '2' },
    } as KubeObject)
    expect(await rig.curlLog(LOG, 'changed\n')).toContain('changed\n')
  })

  it('lays the keys of an optional ConfigMap that comes later', async () => {
    const script = 'until x=$(cat /late/word 2>/dev/null); do sleep 0.02; done; echo $x; exec sleep 100'
    const volumes = [{ name: 'late', configMap: { name: 'later', optional: true } }]
    rig.pod('p', { volumes, containers: [shell(script, { volumeMounts: [{ name: 'late', mountPath: '/late' }] })] })
    await rig.untilReady('p')
    rig.api.create('configmaps', object('later', { word: 'here' }))
    expect(await rig.curlLog(LOG, 'here\n')).toBe('here\n')
  })

  it('serves pages of a ConfigMap to a program that gave up root', async () => {
    rig.api.create('configmaps', object('page', { 'index.html': 'hello' }))
    const volumeMounts = [{ name: 'page', mountPath: '/usr/share/nginx/html' }]
    const readinessProbe = { httpGet: { path: '/', port: 80 } }
    const volumes = [{ name: 'page', configMap: { name: 'page' } }]
    rig.pod('p', { volumes, containers: [{ name: 'main', image: 'nginx', volumeMounts, readinessProbe }] })
    await rig.untilReady('p')
    expect((await rig.curl(`http://${rig.status('p').podIPs?.[0]?.ip}`)).stdout).toBe('hello')
  })

  it('says which volume it has not', async () => {
    rig.pod('p', { volumes: [{ name: 'v', nfs: { server: 'x', path: '/' } }], containers: [shell('exit 0')] })
    await told('FailedMount: MountVolume.SetUp failed for volume "v" : The lab has no volumes of the kind nfs.')
  })
})
