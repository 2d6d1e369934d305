import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient, type KubeClient } from '../../../kube/client.ts'
import { FakeApi } from '../../../kube/fake/fake-api.ts'
import { CONFIG_MAPS } from '../../../kube/resource.ts'
import { FollowedData } from './followed-data.ts'

let api: FakeApi
let client: KubeClient
let followed: FollowedData
let end: AbortController
const wish = { resource: CONFIG_MAPS, namespace: 'shop', name: 'colours' }
const PATH = '/api/v1/namespaces/shop/configmaps'

beforeEach(async () => {
  api = new FakeApi()
  await api.listen()
  client = createClient(api.config)
  end = new AbortController()
  followed = new FollowedData(client, end.signal)
})

afterEach(async () => {
  end.abort()
  client.close()
  await api.close()
})

test('many pods that have one ConfigMap follow it by one watch, which ends with the last of them', async () => {
  const pods = [new AbortController(), new AbortController()]
  const heard: string[] = []
  const hears = (words: string) => expect.poll(() => heard, { interval: 5 }).toContain(words)
  const follow = (pod: number): void =>
    followed.follow(wish, ({ data }) => heard.push(`${pod}: ${data?.sky}`), (pods[pod] as AbortController).signal)
  api.store.put(PATH, { metadata: { namespace: 'shop', name: 'colours' }, data: { sky: 'blue' } } as never)
  follow(0)
  await hears('0: blue')
  follow(1)
  expect(heard).toEqual(['0: blue', '1: blue'])
  expect(api.watching).toBe(1)
  pods[0]?.abort()
  api.store.put(PATH, { metadata: { namespace: 'shop', name: 'colours' }, data: { sky: 'grey' } } as never)
  await hears('1: grey')
  expect(heard).toEqual(['0: blue', '1: blue', '1: grey'])
  pods[1]?.abort()
  await expect.poll(() => api.watching, { interval: 5 }).toBe(0)
})

test('a pod that is gone by then follows nothing', async () => {
  followed.follow(wish, () => undefined, AbortSignal.abort())
  await client.get(CONFIG_MAPS, { namespace: 'shop', name: 'colours' }).catch(() => undefined)
  expect(api.requests.filter((request) => request.includes('watch'))).toEqual([])
})
