import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { KubeClient } from '../../../kube/client.ts'
import { FollowedData } from './followed-data.ts'
import { PodVolumes } from './pod-volumes.ts'
import { renewalDelay } from './token-renewal.ts'

it('a token is used for four fifths of its life, a day at the most', () => {
  expect(renewalDelay(3600_000)).toBe(2_880_000)
  expect(renewalDelay(30 * 24 * 3600_000)).toBe(24 * 3600_000)
  expect(renewalDelay(-5)).toBe(0)
})

it('a volume gets new tokens until it is released', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fwt-token-'))
  let asked = 0
  const request = () => {
    asked++
    const expirationTimestamp = new Date(Date.now() + 50).toISOString()
    return Promise.resolve({ status: { token: `token-${asked}`, expirationTimestamp } })
  }
  const sources = [{ serviceAccountToken: { path: 'token' } }]
  const pod = {
    metadata: { name: 'a', namespace: 'default' },
    spec: { containers: [], volumes: [{ name: 'api', projected: { sources } }] },
  }
  const place = { podIPs: [], hostIPs: [], hostname: 'a', amounts: {} }
  const client = { request } as unknown as KubeClient
  const followed = new FollowedData(client, new AbortController().signal)
  const volumes = new PodVolumes({ pod, place, dir, client, followed })
  try {
    await volumes.lay()
    const token = () => readFileSync(join(dir, 'api', 'token'), 'utf8')
    expect(token()).toBe('token-1')
    await expect.poll(token, { interval: 5 }).toBe('token-3')
  } finally {
    volumes.release()
    rmSync(dir, { recursive: true, force: true })
  }
})
