/** Nodes that hear each other's kernel and not each other's BFD. By itself: a node without processor time renews no Lease, and its addresses move. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { FOUR, L2Failover, SIX } from '../support/l2-failover.ts'

const rig = new L2Failover('t-l2-lease')
const [OWNER, OTHER] = ['optiplex-1', 'optiplex-2'] as const
const soon = { timeout: 30_000, interval: 100 }

beforeAll(() => rig.up('--with', 'bgp'))
afterAll(() => rig.down())

async function on(host: string, line: string): Promise<void> {
  const { exitCode, stderr } = await rig.lab.on(host, line)
  expect(`${exitCode} ${stderr}`).toBe('0 ')
}

const codesOf = async (node: string) => (await rig.findingsOf(node)).map(({ code }) => code)

test('where BFD is blocked a Lease stands in, which is a finding, and the owner stays the only one', async () => {
  await on(OWNER, "nft 'add table inet blocked; add chain inet blocked in { type filter hook input priority -500; }'")
  await on(OWNER, "nft 'add rule inet blocked in udp dport 3784 drop'")
  try {
    await vi.waitFor(async () => {
      expect(await codesOf(OTHER)).toContain('FW0633')
      const leases = await rig.lab.client('kubectl get leases -n kube-system -o name')
      expect(leases).toContain(`lease.coordination.k8s.io/fairway-l2-${OWNER}`)
    }, soon)
    // longer than a node lives on its answers alone, and than one Lease vouches
    const endInMs = performance.now() + 13_000
    while (performance.now() < endInMs) {
      const states = await Promise.all([OWNER, OTHER].map((node) => rig.stateOf(node)))
      expect(states.map((state) => state?.announced)).toEqual([[FOUR, SIX].toSorted(), []])
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  } finally {
    await on(OWNER, 'nft delete table inet blocked')
  }
  await vi.waitFor(async () => expect(await codesOf(OTHER)).not.toContain('FW0633'), soon)
})
