/** What a person should know about announcements of one node, beside what the plan says. */
import { type HolderKey, subjectOf } from '../../model/address-holder.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { L2_CHANGE_FAILED } from '../../model/codes/l2.ts'
import { L2_ADDRESS_CLAIMED, L2_BFD_SILENT } from '../../model/codes/l2-plan.ts'
import type { AddressConflict } from '../../model/l2.ts'
import type { NodeName } from '../../model/world.ts'

/** A finding of the engine, about the node and who has the address. */
export function onNode(node: NodeName, { code, message, fix }: Finding, holders: readonly HolderKey[]): Finding {
  return { code, subjects: subjectsOf(node, holders), message: `Node ${node}: ${message}`, fix }
}

/** None when the last change did not fail. */
export function roundFailed(node: NodeName, error: Error | undefined): readonly Finding[] {
  if (error === undefined) return []
  const [code, fix] = error instanceof FairwayError ? [error.code, error.fix] : [L2_CHANGE_FAILED, L2_CHANGE_FAILED.fix]
  return [{ code, subjects: subjectsOf(node, []), message: error.message, fix }]
}

export function addressClaimed(node: NodeName, conflict: AddressConflict, holders: readonly HolderKey[]): Finding {
  const { address, interface: link, mac } = conflict
  const message = `A machine with the hardware address ${mac} on interface ${link} of node ${node} says that ${address} is its own.`
  return { code: L2_ADDRESS_CLAIMED, subjects: subjectsOf(node, holders), message, fix: L2_ADDRESS_CLAIMED.fix }
}

export function bfdSilent(node: NodeName, peer: NodeName): Finding {
  const message = `Node ${node} hears no BFD from node ${peer}, which answers otherwise; a Lease stands in.`
  return { code: L2_BFD_SILENT, subjects: [`node/${node}`, `node/${peer}`], message, fix: L2_BFD_SILENT.fix }
}

function subjectsOf(node: NodeName, holders: readonly HolderKey[]): readonly string[] {
  return [`node/${node}`, ...holders.map(subjectOf)]
}
