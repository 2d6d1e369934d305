/** Carries the plan of the wires out, in as few processes as it takes. */
import { existsSync, writeFileSync } from 'node:fs'
import { inNetns, ipBatch, netnsPath, withNetns } from '../../linux/netns.ts'
import { run } from '../../linux/run.ts'
import { FairwayError } from '../../model/code.ts'
import { MACHINE_COMMAND_FAILED } from '../../model/codes/machine.ts'
import { hostNamespace, hostNamespaces, hostsOf } from '../names.ts'
import type { Topology } from '../topology.ts'
import { type NamespacePlan, planHost, planSwitch, type Sysctl } from './plan.ts'

/**
 * Makes every namespace of a lab and all that is in them, in about 0.2 s. None of them may be there before (`sweep.ts`).
 * Hosts that are `absent` (powered off) get nothing.
 * @throws {FairwayError} part of it may then be there; the sweep takes it away
 */
export async function layWires(lab: string, topology: Topology, absent: readonly string[] = []): Promise<void> {
  const names = namespacesOf(lab, topology, absent)
  await run(['ip', '-batch', '-'], { input: names.map((name) => `netns add ${name}\n`).join('') })
  const bridge = planSwitch(lab, topology, absent)
  const present = hostsOf(topology).filter(({ name }) => !absent.includes(name))
  const hosts = present.map((host) => planHost(lab, topology, host))
  for (const plan of [bridge, ...hosts]) setSysctls(plan)
  await carryOut(bridge)
  await Promise.all(hosts.map(carryOut))
}

/** Whether every namespace that wiring makes is there. */
export function wiresStand(lab: string, topology: Topology, absent: readonly string[] = []): boolean {
  return namespacesOf(lab, topology, absent).every((name) => existsSync(netnsPath(name)))
}

function namespacesOf(lab: string, topology: Topology, absent: readonly string[]): readonly string[] {
  const without = new Set(absent.map((host) => hostNamespace(lab, host)))
  return hostNamespaces(lab, topology).filter((name) => !without.has(name))
}

/** Makes the links and rules of one plan; the namespace and its sysctls are there. @throws {FairwayError} */
export async function carryOut(plan: NamespacePlan): Promise<void> {
  const rules = plan.nft === '' ? undefined : run(inNetns(plan.namespace, ['nft', '-f', '-']), { input: plan.nft })
  await Promise.all([rules, carryOutLinks(plan)])
}

async function carryOutLinks(plan: NamespacePlan): Promise<void> {
  await ipBatch(plan.namespace, plan.ip)
  if (plan.bridge.length > 0) {
    await run(inNetns(plan.namespace, ['bridge', '-batch', '-']), { input: plan.bridge.map((line) => `${line}\n`).join('') })
  }
}

/** /proc/sys/net shows the namespace of whoever looks, so it is written from inside and needs no process. */
export function setSysctls(plan: NamespacePlan): void {
  withNetns(netnsPath(plan.namespace), () => {
    for (const sysctl of plan.sysctls) setSysctl(plan.namespace, sysctl)
  })
}

function setSysctl(namespace: string, sysctl: Sysctl): void {
  const file = `/proc/sys/net/${sysctl.path}`
  try {
    if (sysctl.optional && !existsSync(file)) return
    writeFileSync(file, sysctl.value)
  } catch (cause) {
    throw new FairwayError(MACHINE_COMMAND_FAILED, `${file} cannot be set to ${sysctl.value} in ${namespace}.`, { cause })
  }
}
