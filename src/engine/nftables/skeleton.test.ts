import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { declarations } from './engine.ts'
import { tableText } from './text.ts'

const FOLDER = fileURLToPath(new URL('../../../test/golden/nftables/', import.meta.url))

for (const family of ['ipv4', 'ipv6'] as const) {
  it(`the ${family} table is declared as in the golden file`, () => {
    const text = tableText(declarations(family))
    const path = `${FOLDER}${family}.nft`
    if (process.env.UPDATE_GOLDEN === '1') {
      mkdirSync(FOLDER, { recursive: true })
      writeFileSync(path, text)
    }
    expect(text).toBe(readFileSync(path, 'utf8'))
  })
}
