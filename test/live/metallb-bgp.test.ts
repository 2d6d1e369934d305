/** MetalLB's own end-to-end cases of selectors under BGP, in one lab: see docs/reference/metallb-e2e.md. */
import { resolve } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { MetallbBed } from './metallb/bed.ts'
import { bgpCases } from './metallb/bgp.ts'

let bed: MetallbBed
beforeAll(async () => {
  bed = await MetallbBed.up('t-mlb-bgp', '--with', 'bgp')
  await bed.bed.lab.client(`kubectl apply -f ${resolve('examples/bgp/peers.yaml')}`)
})
afterAll(() => bed?.down())

bgpCases(() => bed)
