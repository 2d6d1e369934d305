import { describe, expect, test } from 'vitest'
import type { RawObject } from '../../kind.ts'
import { admitAccount } from './account.ts'
import { specOf } from './types.ts'

const account = (name: string, more: object = {}): RawObject => ({
  ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'shop' } },
  ...more,
})
const pod = (spec: object): RawObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop' }, spec })
const seeing =
  (...accounts: RawObject[]) =>
  (resource: string, namespace?: string): readonly RawObject[] =>
    resource === 'serviceaccounts' && namespace === 'shop' ? accounts : []

const PATH = '/var/run/secrets/kubernetes.io/serviceaccount'

describe('the account of a new pod', () => {
  test('its token is mounted in every container, but where something is mounted there already', () => {
    const own = { name: 'own', volumeMounts: [{ name: 'mine', mountPath: PATH }] }
    const made = pod({
      volumes: [{ name: 'mine', emptyDir: {} }],
      initContainers: [{ name: 'i' }],
      containers: [{ name: 'c' }, own],
    })
    expect(admitAccount(made, seeing(account('default')))).toBe(undefined)
    const { containers, initContainers, volumes } = specOf(made)
    const name = volumes?.[1]?.name ?? ''
    expect(name).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    const mounts = [{ name, readOnly: true, mountPath: PATH }]
    expect([...(initContainers ?? []), ...(containers ?? [])].map(({ volumeMounts }) => volumeMounts)).toEqual([
      mounts,
      mounts,
      own.volumeMounts,
    ])
    expect(volumes).toHaveLength(2)
  })

  test("the pod's word on the token goes before the account's", () => {
    const cases = [
      [undefined, undefined, true],
      [undefined, false, false],
      [true, false, true],
      [false, true, false],
    ] as const
    for (const [ofPod, ofAccount, mounted] of cases) {
      const made = pod({ containers: [{ name: 'c' }], automountServiceAccountToken: ofPod })
      admitAccount(made, seeing(account('default', { automountServiceAccountToken: ofAccount })))
      expect(specOf(made).volumes !== undefined, JSON.stringify([ofPod, ofAccount])).toBe(mounted)
    }
  })

  test("the account's pull secrets are taken where the pod has none", () => {
    const view = seeing(account('robot', { imagePullSecrets: [{ name: 'a' }] }))
    const bare = pod({ serviceAccountName: 'robot', containers: [] })
    const own = pod({ serviceAccountName: 'robot', containers: [], imagePullSecrets: [{ name: 'b' }] })
    for (const each of [bare, own]) admitAccount(each, view)
    expect([bare, own].map((each) => specOf(each).imagePullSecrets)).toEqual([[{ name: 'a' }], [{ name: 'b' }]])
  })

  test('an account that is not there refuses the pod, but for the one that every namespace is about to have', () => {
    expect(admitAccount(pod({ serviceAccountName: 'nobody', containers: [] }), seeing(account('default')))).toBe(
      'error looking up service account shop/nobody: serviceaccount "nobody" not found',
    )
    expect(admitAccount(pod({ serviceAccountName: 'default', containers: [] }), seeing())).toBe(undefined)
  })
})
