import { afterAll, beforeAll } from 'vitest'
import { kernelTransport } from '../../src/engine/nftables/kernel.ts'
import { netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { engineSuite } from '../support/engine-suite.ts'

const NS = `fwt-dpe-${process.pid}-engine`

beforeAll(async () => {
  await tryRun(['ip', 'netns', 'del', NS])
  await run(['ip', 'netns', 'add', NS])
})

afterAll(async () => {
  await tryRun(['ip', 'netns', 'del', NS])
})

engineSuite('nftables in the kernel', () => kernelTransport(netnsPath(NS)), 10)
