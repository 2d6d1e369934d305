/** MetalLB's own end-to-end cases of allocation and of L2, in one lab: see docs/reference/metallb-e2e.md. */
import { afterAll, beforeAll } from 'vitest'
import { assignmentCases } from './metallb/assignment.ts'
import { MetallbBed } from './metallb/bed.ts'
import { interfaceCases } from './metallb/interfaces.ts'
import { l2Cases } from './metallb/l2.ts'
import { preferredCases } from './metallb/preferred.ts'

let bed: MetallbBed
beforeAll(async () => {
  bed = await MetallbBed.up('t-mlb-l2')
})
afterAll(() => bed?.down())
const lab = () => bed

assignmentCases(lab)
l2Cases(lab)
preferredCases(lab)
interfaceCases(lab)
