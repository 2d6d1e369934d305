/** Source: MetalLB e2etest/l2tests/interface_selector.go; the names are its own. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NODES } from '../service-e2e/bed.ts'
import type { MetallbBed } from './bed.ts'

const FOUR = '192.168.9.0'
/** The nodes' interfaces, and what the client has on the same wire. */
const WIRES = [
  ['eth0', 'eth0'],
  ['net1', 'lan1'],
] as const

export function interfaceCases(lab: () => MetallbBed): void {
  describe('L2-interface selector Interface Selector', () => {
    beforeAll(() => secondWire(lab()))
    beforeEach(async () => {
      await lab().pool('l2-test', ['192.168.9.0-192.168.9.255', 'fd00:192:168::9:0-fd00:192:168::9:ff'])
      await lab().gives('lb-service', [FOUR])
    })
    afterEach(() => lab().clean())
    const answers = (client: string) => expect.poll(() => lab().resolve(FOUR, client), { message: client })
    const on = (...interfaces: readonly string[]) => ({ interfaces })

    test('Validate L2ServiceStatus interface', async () => {
      await lab().l2('with-interfaces', on('eth0'))
      const node = await lab().anyAnnouncer(FOUR)
      await expect.poll(() => lab().said('lb-service')).toEqual([`${node} eth0`])
    })

    test("Validate the LB IP's mac", async () => {
      await lab().l2('with-interfaces', on('eth0'))
      const node = await lab().anyAnnouncer(FOUR)
      await answers('eth0').toBe(await lab().macOf(node, 'eth0'))
    })

    test('Modify L2 interface', async () => {
      for (const [node, client] of WIRES) {
        await lab().l2('with-interfaces', on(node))
        await answers(client).not.toBe('')
        for (const [, other] of WIRES) if (other !== client) await answers(other).toBe('')
      }
    })

    test('Specify not existing interfaces', async () => {
      await lab().l2('with-interfaces', on('foo'))
      const codes = async () => {
        const states = await Promise.all(NODES.map((node) => lab().bed.agent(node)))
        return states.map(({ findings }) => findings.some(({ code }) => code === 'FW0631'))
      }
      await expect.poll(codes).toEqual([true, true, true])
      for (const [, client] of WIRES) expect(await lab().resolve(FOUR, client)).toBe('')
    })

    test('Address pool connected with two L2 advertisements', async () => {
      for (const [node] of WIRES) await lab().l2(`with-interfaces-${node}`, on(node))
      for (const [, client] of WIRES) await answers(client).not.toBe('')
    })

    test('node selector', async () => {
      for (const node of NODES) {
        const nodeSelectors = [{ matchLabels: { 'kubernetes.io/hostname': node } }]
        await lab().l2('with-interfaces', { ...on('eth0'), nodeSelectors })
        await lab().isAnnouncedBy(FOUR, node)
      }
    })
  })
}

/** Another segment for the nodes and the client, with a subnet of its own. */
async function secondWire(lab: MetallbBed): Promise<void> {
  await lab.on('client', 'ip link add lan1 type bridge && ip addr add 192.0.2.10/24 dev lan1 && ip link set lan1 up')
  for (const [at, node] of NODES.entries()) {
    await lab.on('client', `ip link add port${at} type veth peer name net1 netns ${lab.netnsOf(node)}`)
    await lab.on('client', `ip link set port${at} master lan1 up`)
    await lab.on(node, `ip addr add 192.0.2.${at + 1}/24 dev net1 && ip link set net1 up`)
  }
}
