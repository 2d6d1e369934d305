import { expect, test } from 'vitest'
import { enterHost, rootIsMountPoint } from './enter.ts'
import { NO_FAULTS } from './faults.ts'
import type { LabState } from './state.ts'
import { DEFAULT_TOPOLOGY } from './topology.ts'

const STATE: LabState = { version: 2, name: 'two', topology: DEFAULT_TOPOLOGY, faults: NO_FAULTS, apiPort: 7443, entry: '/m.ts' }

test('a command has the names of the lab in mounts of its own, where the root can have such', () => {
  const { command, env } = enterHost(STATE, 'client', ['ls'], true)
  expect(command.join(' ')).toMatch(
    /^nsenter --net=\/run\/netns\/fw-two-client .* unshare --uts --mount --propagation slave sh -c /,
  )
  expect(command.join(' ')).toContain('mount -n --bind "$2" /etc/hosts')
  expect(command.at(-1)).toBe('ls')
  expect(env).toMatchObject({ FAIRWAY_LAB_HOST: 'client', HOSTNAME: 'client' })
})

test('in a chroot whose root is no mount point it goes without', () => {
  const { command } = enterHost(STATE, 'client', ['ls'], false)
  expect(command.join(' ')).not.toContain('mount')
  expect(command.slice(-3)).toEqual(['client', expect.stringContaining('/two/hosts'), 'ls'])
})

test('the fifth field of mountinfo tells which it is', () => {
  expect(rootIsMountPoint('22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n25 22 0:5 / /proc rw - proc proc rw\n')).toBe(true)
  expect(rootIsMountPoint('25 22 0:5 / /proc rw - proc proc rw\n26 22 0:6 / /sys rw - sysfs sysfs rw\n')).toBe(false)
})
