/** Source: MetalLB e2etest/l2tests/preferred_node.go; the names are its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NODES } from '../service-e2e/bed.ts'
import type { MetallbBed } from './bed.ts'

const FOUR = '192.168.9.0'
const OTHER = '192.168.9.1'
const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers'
const LABEL = 'l2-preferred-node-test'
const ROLE = 'l2-pref-role'

/** Prefers nodes with these labels. */
function preferring(...wishes: readonly (readonly [weight: number, matchLabels: object])[]): object {
  return { preferredNodeSelectors: wishes.map(([weight, matchLabels]) => ({ weight, preference: { matchLabels } })) }
}

export function preferredCases(lab: () => MetallbBed): void {
  describe('L2 Preferred Node Selector', () => {
    beforeEach(async () => {
      await lab().pool('l2-test', ['192.168.9.0-192.168.9.255', 'fd00:192:168::9:0-fd00:192:168::9:ff'])
      await lab().gives('lb', [FOUR], { labels: { app: 'matched' } })
    })
    afterEach(async () => {
      for (const node of NODES) await lab().relabel(node, { [LABEL]: null, [ROLE]: null, [EXCLUDE]: null })
      await lab().clean()
    })

    /** Who announces without any preference, and the two others. */
    async function natural(): Promise<readonly [string, string, string]> {
      await lab().l2('preferred')
      const first = await lab().anyAnnouncer(FOUR)
      const [second = '', third = ''] = NODES.filter((node) => node !== first)
      return [first, second, third]
    }

    test('should prefer the labeled node and fall back to the baseline election when the label is removed', async () => {
      const [first, second] = await natural()
      await lab().relabel(second, { [LABEL]: 'true' })
      await lab().l2('preferred', preferring([100, { [LABEL]: 'true' }]))
      await lab().isAnnouncedBy(FOUR, second)
      await lab().relabel(second, { [LABEL]: null })
      await lab().isAnnouncedBy(FOUR, first)
    })

    test('should behave like the baseline advertisement when no node matches the preferred selector', async () => {
      const [first, second] = await natural()
      const alike = preferring([100, { 'l2-preferred-node-nomatch': 'true' }], [10, {}])
      await lab().l2('preferred', alike)
      await witness(second)
      await lab().isAnnouncedBy(FOUR, first)
    })

    /**
     * An address that moves to a node: what was asked for before has then been seen by all, and who announces another address now is who goes
     * on to. Waiting for that one passes over a moment in which a node without processor time is not heard by the others.
     */
    async function witness(node: string): Promise<void> {
      await lab().gives('witness', [OTHER], { labels: { app: 'witness' } })
      const serviceSelectors = [{ matchLabels: { app: 'witness' } }]
      await lab().l2('witness', { serviceSelectors, ...preferring([1, { 'kubernetes.io/hostname': node }]) })
      await lab().isAnnouncedBy(OTHER, node)
    }

    test('should fail over when the preferred node becomes unschedulable and reclaim when it returns', async () => {
      const [first, second] = await natural()
      await lab().relabel(second, { [LABEL]: 'true' })
      await lab().l2('preferred', preferring([100, { [LABEL]: 'true' }]))
      await lab().isAnnouncedBy(FOUR, second)
      await lab().relabel(second, { [EXCLUDE]: '' })
      await lab().isAnnouncedBy(FOUR, first)
      await lab().relabel(second, { [EXCLUDE]: null })
      await lab().isAnnouncedBy(FOUR, second)
    })

    test('should re-elect when the L2Advertisement spec changes at runtime', async () => {
      const [first, second, third] = await natural()
      await lab().relabel(second, { [LABEL]: 'a' })
      await lab().relabel(third, { [LABEL]: 'b' })
      await lab().l2('preferred', preferring([100, { [LABEL]: 'a' }]))
      await lab().isAnnouncedBy(FOUR, second)
      await lab().l2('preferred', preferring([100, { [LABEL]: 'b' }]))
      await lab().isAnnouncedBy(FOUR, third)
      await lab().l2('preferred')
      await lab().isAnnouncedBy(FOUR, first)
    })

    test('should respect nodeSelectors as a hard filter while preferredNodeSelectors orders the eligible set', async () => {
      const [first, second, third] = await natural()
      await lab().relabel(first, { [LABEL]: 'eligible' })
      await lab().relabel(second, { [LABEL]: 'eligible', [ROLE]: 'true' })
      await lab().relabel(third, { [ROLE]: 'true' })
      const nodeSelectors = [{ matchLabels: { [LABEL]: 'eligible' } }]
      await lab().l2('preferred', { nodeSelectors, ...preferring([100, { [ROLE]: 'true' }]) })
      await lab().isAnnouncedBy(FOUR, second)
    })

    test('should announce from the nodeSelectors set when it is disjoint from preferredNodeSelectors', async () => {
      const [, second, third] = await natural()
      await lab().relabel(second, { [LABEL]: 'eligible' })
      await lab().relabel(third, { [ROLE]: 'true' })
      const nodeSelectors = [{ matchLabels: { [LABEL]: 'eligible' } }]
      await lab().l2('preferred', { nodeSelectors, ...preferring([100, { [ROLE]: 'true' }]) })
      await lab().isAnnouncedBy(FOUR, second)
      await witness(third)
      await lab().isAnnouncedBy(FOUR, second)
    })

    test('should sum weights across multiple L2Advertisements targeting the same pool', async () => {
      const [, second, third] = await natural()
      await lab().relabel(second, { [LABEL]: 'primary', [ROLE]: 'edge' })
      await lab().relabel(third, { [LABEL]: 'primary' })
      await lab().l2('ad-zone', preferring([60, { [LABEL]: 'primary' }]))
      await lab().l2('ad-role', preferring([50, { [ROLE]: 'edge' }]))
      await lab().isAnnouncedBy(FOUR, second)
      await lab().relabel(second, { [LABEL]: null })
      await lab().isAnnouncedBy(FOUR, third)
    })

    test('should scope preferredNodeSelectors to services matching serviceSelectors', async () => {
      await lab().gives('unmatched', [OTHER])
      const [first, second, third] = await natural()
      const naturalOther = await lab().anyAnnouncer(OTHER)
      const preferred = naturalOther === second ? third : second
      await lab().relabel(preferred, { [LABEL]: 'true' })
      const serviceSelectors = [{ matchLabels: { app: 'matched' } }]
      await lab().l2('scoped', { serviceSelectors, ...preferring([100, { [LABEL]: 'true' }]) })
      await lab().isAnnouncedBy(FOUR, preferred)
      expect(preferred).not.toBe(first)
      await lab().isAnnouncedBy(OTHER, naturalOther)
    })
  })
}
