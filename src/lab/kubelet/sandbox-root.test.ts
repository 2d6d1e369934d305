import { expect, test } from 'vitest'
import { openParents } from './sandbox-root.ts'

test('folders in empty directories can be gone through by every user, and no others are made', () => {
  const paths = ['/run/secrets/kubernetes.io/token', '/run/fairway', '/tmp/a/b', '/etc/hosts']
  expect(openParents(paths, ['/run', '/tmp']).filter((word) => word.startsWith('/'))).toEqual([
    '/run/secrets',
    '/run/secrets/kubernetes.io',
    '/tmp/a',
  ])
})
