import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { resourcesPage } from '../../scripts/generate-resources-page.ts'
import { shippedSentences } from '../support/crd-cases.ts'

const page = readFileSync(new URL('../../docs/reference/resources.md', import.meta.url), 'utf8')

test('the page of resources is what its script writes', () => {
  expect(page, 'run `make generate`').toBe(resourcesPage())
})

test('it has the kinds, nested fields, their limits, and the sentences of rules', () => {
  for (const text of [
    '## PodRouteAdvertisement',
    '| `spec.pods.namespaceSelector` | label selector |',
    '| `spec.prefixes[].maxLength` | number |',
    '(1 to 65535; default `179`)',
    'Also served, but no longer to be written: `v1beta1`.',
  ])
    expect(page).toContain(text)
  const old = new Set(['peerASN must be at least 1', 'peerAddress must be said']) // of v1beta1 alone
  expect([...shippedSentences()].filter((sentence) => !old.has(sentence) && !page.includes(`- ${sentence}\n`))).toEqual([])
})
