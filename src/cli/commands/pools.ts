import type { AddressCounts, PoolAnnouncer, PoolRow } from '../../explain/pool-row.ts'
import { pools } from '../../explain/pools.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { USAGE_WRONG } from '../../model/codes/usage.ts'
import { ask, isMeant, type Question } from '../cluster.ts'
import { SIGNS } from '../columns.ts'
import type { Listing } from '../listing.ts'
import {
  claimsByAddress,
  generalFindings,
  type PoolsOptions,
  type PoolValues,
  poolCollections,
  requestsOf,
} from '../pool-collections.ts'
import { tryManifests } from './pools-dry-run.ts'

/** `fairway pools`: how full each one is and who announces it; with `--dry-run -f FILE` what other pools would do. */
export async function poolsCommand(options: PoolsOptions): Promise<void> {
  const { dryRun = false, filename = [], watch, wait } = options
  if (dryRun !== filename.length > 0) throw halfDryRun(dryRun)
  if (!dryRun) return ask(poolsQuestion(options), options)
  if (watch || wait) throw new FairwayError(USAGE_WRONG, '--dry-run answers once, without --watch and --wait.')
  return tryManifests(filename, options)
}

function halfDryRun(isDry: boolean): FairwayError {
  if (isDry)
    return new FairwayError(USAGE_WRONG, '--dry-run needs the pools to try.', {
      fix: 'Name their file: `fairway pools --dry-run -f FILE`, or `-f -` for standard input.',
    })
  return new FairwayError(USAGE_WRONG, 'This command shows pools, and writes nothing.', {
    field: '-f',
    fix: 'See first what the file would do: `fairway pools --dry-run -f FILE`; then `kubectl apply -f FILE`.',
  })
}

function poolsQuestion(options: PoolsOptions): Question<PoolValues, PoolRow> {
  const isAsked = ({ subjects }: Finding) => subjects.some((subject) => isMeant(options, subject.split('/')[1] ?? ''))
  return {
    collections: poolCollections(options.loadBalancerClass),
    view: (contents) => {
      const { values } = contents
      const view = pools({ ...values, requests: requestsOf(values), claims: claimsByAddress(values.claims) })
      return {
        rows: view.rows.filter(({ namespace }) => isMeant(options, namespace)),
        findings: [...generalFindings(contents), ...view.findings.filter(isAsked)],
      }
    },
    listing: options.namespace === undefined ? POOLS : { ...POOLS, empty: noneIn(options.namespace) },
    gatherInMs: 250,
  }
}

function noneIn(namespace: string): string {
  return `No pools in the namespace ${namespace}; without -n those of all namespaces are shown.`
}

const POOLS: Listing<PoolRow> = {
  field: 'pools',
  keyOf: ({ namespace, pool }) => JSON.stringify([namespace, pool]),
  empty:
    'No pools. An IPAddressPool says which addresses Services may have: `kubectl explain ipaddresspool.spec` lists what it takes.',
  columns: [
    { title: 'NAMESPACE', cell: ({ namespace }) => namespace, wide: true },
    { title: 'POOL', cell: ({ pool }) => pool },
    { title: 'STATE', cell: ({ health, state }) => `${SIGNS[health]} ${state}`, tone: ({ health }) => health },
    { title: 'IPV4', cell: ({ ipv4 }) => givenText(ipv4) },
    { title: 'FREE', cell: ({ ipv4 }) => freeText(ipv4) },
    { title: 'IPV6', cell: ({ ipv6 }) => givenText(ipv6) },
    { title: 'FREE', cell: ({ ipv6 }) => freeText(ipv6) },
    { title: 'ANNOUNCED-BY', cell: ({ announcedBy }) => announcedBy.map(announcerText).join(',') },
    { title: 'FOR', cell: forText, wide: true },
    { title: 'ADDRESSES', cell: ({ addresses }) => addresses.join(','), wide: true },
    { title: 'CONDITIONS', cell: conditionsText, wide: true },
  ],
}

function givenText({ total, assigned }: AddressCounts): string {
  return total === 0 ? '' : `${assigned} of ${countText(total)}`
}

function freeText({ total, available }: AddressCounts): string {
  return total === 0 ? '' : countText(available)
}

/** IPv6 ranges are larger than anyone counts. */
function countText(count: number): string {
  return count < 1e7 ? String(count) : count.toExponential(1).replace('+', '')
}

function announcerText({ kind, name }: PoolAnnouncer): string {
  return `${kind === 'L2Advertisement' ? 'l2' : 'bgp'}/${name}`
}

function forText({ state, autoAssign, reserved, priority }: PoolRow): string {
  if (state === 'Unusable') return ''
  const whom = reserved ? 'some Services' : 'all Services'
  const first = priority > 0 ? `, priority ${priority}` : ''
  return `${whom}${autoAssign ? '' : ' that ask for it'}${first}`
}

function conditionsText({ conditions }: PoolRow): string {
  return conditions.map(({ type, holds, reason }) => (holds ? type : `${type}=False (${reason})`)).join(',')
}
