/** The API server as a process: who may ask, what a kill, a full disk, a taken port and another namespace do. */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/linux/run.ts'
import { freePort, Role, Site } from './apiserver/role.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const map = (name: string, size = 0) => ({ metadata: { name }, data: { text: 'x'.repeat(size) } })

describe('lab-apiserver', () => {
  let site: Site
  let serial = 0
  const storeDir = (): string => {
    const dir = join(site.dir, `store-${serial++}`)
    mkdirSync(dir)
    return dir
  }
  beforeAll(async () => {
    site = await Site.make()
  })
  afterAll(() => site[Symbol.dispose]())

  test('certificates say who asks; without one only health and version are told; SIGTERM ends it', async () => {
    const port = await freePort()
    await using role = new Role(site.flags(storeDir(), [`127.0.0.1:${port}`]))
    expect(await role.said).toBe('READY\n')
    for (const path of ['/healthz', '/livez', '/readyz', '/version'])
      expect((await site.call(port, 'GET', path)).status).toBe(200)
    const anonymous = await site.call(port, 'GET', '/api/v1/pods')
    expect([anonymous.status, JSON.parse(anonymous.body)]).toEqual([
      401,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      },
    ])
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
    const self = await site.call(port, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      user: 'admin',
      body: review,
    })
    const { userInfo } = JSON.parse(self.body).status
    expect(userInfo).toEqual({ username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] })
    role.child.kill('SIGTERM')
    expect(await role.exit).toBe(0)
  })

  test('a token says who asks, until its account is gone', async () => {
    const port = await freePort()
    await using role = new Role(site.flags(storeDir(), [`127.0.0.1:${port}`]))
    expect(await role.said).toBe('READY\n')
    const accounts = '/api/v1/namespaces/default/serviceaccounts'
    const robot = { user: 'admin', body: { metadata: { name: 'robot' } } }
    await site.call(port, 'POST', accounts, robot)
    const request = { user: 'admin', body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' } }
    const { token } = JSON.parse((await site.call(port, 'POST', `${accounts}/robot/token`, request)).body).status
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
    const self = await site.call(port, 'POST', path, { token, body: review })
    expect(JSON.parse(self.body).status.userInfo).toEqual({
      username: 'system:serviceaccount:default:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    })
    expect((await site.call(port, 'GET', MAPS, { token: `${token}x` })).status).toBe(401)
    await site.call(port, 'DELETE', `${accounts}/robot`, { user: 'admin' })
    await site.call(port, 'POST', accounts, robot)
    expect((await site.call(port, 'GET', MAPS, { token })).status).toBe(401)
  })

  test('kill -9 in the middle of writes loses nothing that was acknowledged', async () => {
    const port = await freePort()
    const dir = storeDir()
    const acknowledged: string[] = []
    {
      await using role = new Role(site.flags(dir, [`127.0.0.1:${port}`]))
      expect(await role.said).toBe('READY\n')
      const write = async (lane: number): Promise<void> => {
        for (let index = 0; ; index++) {
          const name = `lane-${lane}-${index}`
          const { status } = await site.call(port, 'POST', MAPS, { user: 'admin', body: map(name, 500) })
          if (status === 201) acknowledged.push(name)
          if (acknowledged.length === 60) role.child.kill('SIGKILL')
        }
      }
      const ends = await Promise.allSettled([write(1), write(2), write(3)])
      expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
      expect(await role.exit).toBe('SIGKILL')
    }
    await using again = new Role(site.flags(dir, [`127.0.0.1:${port}`]))
    expect(await again.said).toBe('READY\n')
    const { items } = JSON.parse((await site.call(port, 'GET', MAPS, { user: 'admin' })).body)
    const names = new Set(items.map((item: { metadata: { name: string } }) => item.metadata.name))
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([])
    expect(acknowledged.length).toBeGreaterThanOrEqual(60)
  })

  test('a full disk: writes say so, reads go on, and writes work again when there is room', async () => {
    const port = await freePort()
    const dir = storeDir()
    const setUp = `mount -t tmpfs -o size=8m tmpfs ${dir} && head -c 6m /dev/zero > ${dir}/filler && exec "$@"`
    await using role = new Role(site.flags(dir, [`127.0.0.1:${port}`]), ['unshare', '-m', 'sh', '-c', setUp, 'sh'])
    expect(await role.said).toBe('READY\n')
    const written: string[] = []
    let refused: { status: number; body: string } | undefined
    for (let index = 0; refused === undefined && index < 100; index++) {
      const answer = await site.call(port, 'POST', MAPS, { user: 'admin', body: map(`m-${index}`, 100_000) })
      if (answer.status === 201) written.push(`m-${index}`)
      else refused = answer
    }
    expect(refused?.status).toBe(500)
    const { message, reason } = JSON.parse(refused?.body ?? '{}')
    expect(reason).toBe('InternalError')
    expect(message).toMatch(
      new RegExp(`the store ${dir}/store.sqlite cannot be written: .*full.*KiB free in ${dir}.*FW0952: Make room`),
    )
    const list = await site.call(port, 'GET', MAPS, { user: 'admin' })
    expect(
      JSON.parse(list.body)
        .items.map((item: { metadata: { name: string } }) => item.metadata.name)
        .sort(),
    ).toEqual(written.toSorted())
    await run(['nsenter', `--mount=/proc/${role.child.pid}/ns/mnt`, '--', 'rm', `${dir}/filler`])
    const again = await site.call(port, 'POST', MAPS, { user: 'admin', body: map('after', 100_000) })
    expect(again.status).toBe(201)
  })

  test('a taken port ends it with a sentence that names it', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    try {
      await using role = new Role(site.flags(storeDir(), [`127.0.0.1:${port}`]))
      expect(await role.said).toBe(`ERROR the API server cannot listen on 127.0.0.1:${port}: another process listens there\n`)
      expect(await role.exit).toBe(1)
    } finally {
      await new Promise((resolve) => taken.close(resolve))
    }
  })

  test('it listens in a namespace and at home at once', async () => {
    const name = `fwt-apiserver-${process.pid}`
    const port = await freePort()
    await run(['ip', 'netns', 'add', name])
    try {
      await run(['ip', '-n', name, 'link', 'set', 'lo', 'up'])
      const addresses = [`127.0.0.1:6443@/run/netns/${name}`, `127.0.0.1:${port}`]
      await using role = new Role(site.flags(storeDir(), addresses))
      expect(await role.said).toBe('READY\n')
      const inside = await run(['nsenter', `--net=/run/netns/${name}`, '--', 'curl', '-sk', 'https://127.0.0.1:6443/healthz'])
      expect([inside, (await site.call(port, 'GET', '/healthz')).body]).toEqual(['ok', 'ok'])
      const sockets = await run(['nsenter', `--net=/run/netns/${name}`, '--', 'ss', '-Hltn'])
      expect(sockets.trim().split('\n')).toHaveLength(1)
    } finally {
      await run(['ip', 'netns', 'delete', name])
    }
  })

  test('a wrong flag is named', async () => {
    await using role = new Role([...site.flags(storeDir(), ['127.0.0.1:70000'])])
    expect(await role.said).toBe('ERROR --listen: "127.0.0.1:70000" is not ADDRESS:PORT with an IP address\n')
    expect(await role.exit).toBe(1)
  })
})
