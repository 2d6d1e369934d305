import { type FateRow, poolTrial } from '../../explain/pool-trial.ts'
import type { Contents } from '../../kube/collections.ts'
import { loadKubeConfig } from '../../kube/config.ts'
import type { ObjectKey } from '../../model/world.ts'
import { ask, type Question } from '../cluster.ts'
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
import { type PoolManifests, readPoolManifests } from '../pool-manifests.ts'
import { hint } from '../terminal.ts'

/** `fairway pools --dry-run -f FILE`: which Services would have which addresses. Nothing is written. @throws {FairwayError} */
export async function tryManifests(files: readonly string[], options: PoolsOptions): Promise<void> {
  const { namespace } = loadKubeConfig({ path: options.kubeconfig, context: options.context })
  const manifests = readPoolManifests(files, { namespace: options.namespace ?? namespace, atInMs: Date.now() })
  if (manifests.others.length > 0) hint(`not looked at: ${manifests.others.join(', ')}`)
  await ask(trialQuestion(manifests, options), options)
}

function trialQuestion(manifests: PoolManifests, options: PoolsOptions): Question<PoolValues, FateRow> {
  return {
    collections: poolCollections(options.loadBalancerClass),
    view: (contents) => {
      const view = trialOf(contents, manifests)
      const rows = options.output === 'table' ? told(view.rows) : view.rows
      return { rows, findings: [...manifests.findings, ...generalFindings(contents), ...view.findings] }
    },
    listing: FATES,
    gatherInMs: 0,
  }
}

function trialOf({ values }: Contents<PoolValues>, manifests: PoolManifests) {
  const { pools, namespaces, l2Advertisements, bgpAdvertisements } = values
  const advertisements = {
    l2Advertisements: joined(l2Advertisements, manifests.l2Advertisements),
    bgpAdvertisements: joined(bgpAdvertisements, manifests.bgpAdvertisements),
  }
  const claims = claimsByAddress(values.claims)
  const requests = requestsOf(values)
  return poolTrial({ pools, tried: manifests.pools, claims, requests, namespaces, advertisements })
}

function joined<T>(there: ReadonlyMap<ObjectKey, T>, more: ReadonlyMap<ObjectKey, T>): ReadonlyMap<ObjectKey, T> {
  return new Map([...there, ...more])
}

/** Those to whom nothing happens, and with whom nothing is wrong, are counted. */
function told(rows: readonly FateRow[]): readonly FateRow[] {
  const isCalm = ({ fate, codes }: FateRow) => fate === 'keeps' && codes.length === 0
  const calm = rows.filter(isCalm)
  const [first] = calm
  if (first === undefined || calm.length === 1) return rows
  const all = calm.length === rows.length ? 'all' : 'others'
  const nobody = { addresses: [], pool: '' }
  const summary: FateRow = { ...first, service: `(${all}: ${calm.length})`, before: nobody, after: nobody }
  return [...rows.filter((row) => !isCalm(row)), summary]
}

const FATES: Listing<FateRow> = {
  field: 'services',
  keyOf: ({ service }) => service,
  empty: 'No Service of type LoadBalancer is there to have an address.',
  columns: [
    { title: 'SERVICE', cell: ({ service }) => service },
    { title: 'WOULD', cell: ({ health, fate }) => `${SIGNS[health]} ${WORDS[fate]}`, tone: ({ health }) => health },
    { title: 'NOW', cell: ({ before }) => before.addresses.join(',') },
    { title: 'THEN', cell: ({ after }) => after.addresses.join(',') },
    { title: 'POOL', cell: poolText },
    { title: 'CODES', cell: ({ codes }) => codes.join(',') },
    { title: 'REASON', cell: ({ reason }) => reason, wide: true },
  ],
}

const WORDS: Readonly<Record<FateRow['fate'], string>> = {
  keeps: 'keep',
  gains: 'gain',
  moves: 'move',
  loses: 'lose',
  lacks: 'have none',
}

function poolText({ before, after }: FateRow): string {
  return [...new Set([before.pool, after.pool])].filter((name) => name !== '').join(' -> ')
}
