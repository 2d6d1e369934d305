/** Faults on the wires, made in the switch: what a host notices of them is what it would notice of a real one. */
import { inNetns, ipBatch } from '../../linux/netns.ts'
import { run } from '../../linux/run.ts'
import { type Faults, hostState } from '../faults.ts'
import { hostNamespace, hostsOf, SWITCH } from '../names.ts'
import type { Topology } from '../topology.ts'
import { carryOut, setSysctls } from './lay.ts'
import { pairLines, planHost } from './plan.ts'
import { removeHost } from './sweep.ts'
import { portsBetween, wiresOf } from './wiring.ts'

const TABLE = 'bridge lab-faults'

/**
 * Makes the wires as the faults say, all of them, whatever they were: a cut wire loses its carrier at both ends, as when the cable is
 * pulled; between the hosts of a pair the switch drops every frame, and neither end notices but by the silence.
 * @throws {FairwayError}
 */
export async function applyLinkFaults(lab: string, topology: Topology, faults: Faults): Promise<void> {
  const namespace = hostNamespace(lab, SWITCH)
  const present = hostsOf(topology).filter(({ name }) => hostState(faults, name) !== 'stopped')
  const lines = present.flatMap((host) => {
    const state = hostState(faults, host.name) === 'cut' ? 'down' : 'up'
    return wiresOf(topology, host).map(({ port }) => `link set dev ${port} ${state}`)
  })
  const rules = pairRules(topology, faults)
  await Promise.all([ipBatch(namespace, lines), run(inNetns(namespace, ['nft', '-f', '-']), { input: rules })])
}

/** One table, replaced as a whole. */
export function pairRules(topology: Topology, faults: Faults): string {
  const drop = (from: string, to: string) => `    iifname "${from}" oifname "${to}" drop`
  const ports = faults.pairs.flatMap((pair) => portsBetween(topology, pair))
  const rules = ports.flatMap(([one, other]) => [drop(one, other), drop(other, one)])
  const chain = [`table ${TABLE} {`, '  chain forward {', '    type filter hook forward priority 0; policy accept;', ...rules]
  const table = rules.length === 0 ? [] : [...chain, '  }', '}']
  return [`table ${TABLE}`, `delete table ${TABLE}`, ...table, ''].join('\n')
}

/** The wire of a host goes dead; one without a wire succeeds. The first thing that happens when a node loses its power. */
export async function silence(lab: string, host: string): Promise<void> {
  await onWire(lab, `link set dev ${host} down`)
}

/**
 * Removes a host as a loss of power does: its wire first, so that nobody hears its connections being closed, then everything in its
 * namespace and in its pods' is killed, and the namespaces go, with all that its kernel knew. A host that is not there succeeds.
 * @throws {FairwayError}
 */
export async function powerOff(lab: string, host: string): Promise<void> {
  await silence(lab, host)
  await removeHost(lab, host)
  // a namespace lingers in the kernel after its removal, and its end of the wire with it
  await onWire(lab, `link delete dev ${host}`)
}

async function onWire(lab: string, line: string): Promise<void> {
  try {
    await ipBatch(hostNamespace(lab, SWITCH), [line])
  } catch {
    // it has no wire: it was powered off before
  }
}

/** Lays the wires of one host anew, as after a reboot. @throws {FairwayError} */
export async function powerOn(lab: string, topology: Topology, node: string): Promise<void> {
  const host = hostsOf(topology).find(({ name }) => name === node)
  if (host === undefined) throw new Error(`the topology has no host ${node}`)
  await powerOff(lab, node)
  const plan = planHost(lab, topology, host)
  await run(['ip', 'netns', 'add', plan.namespace])
  setSysctls(plan)
  await ipBatch(hostNamespace(lab, SWITCH), pairLines(lab, topology, node))
  await carryOut(plan)
}
