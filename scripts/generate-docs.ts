/** Writes the generated pages of docs/reference: `make generate`. Tests hold the pages to what this would write. */
import { writeFileSync } from 'node:fs'
import type { Code } from '../src/model/code.ts'
import { CODES } from '../src/model/codes/index.ts'

/** The page of every code, by number: what `fairway explain CODE` prints, to read and to search. */
export function codesPage(codes: readonly Code[]): string {
  const sections = codes.toSorted((a, b) => a.code.localeCompare(b.code)).map(codeSection)
  return [
    '# Codes',
    '',
    'Every error and finding of Fairway has a number that never changes. `fairway explain CODE` prints the same.',
    'This page is written by `make generate` from `src/model/codes`.',
    '',
    ...sections,
  ].join('\n')
}

function codeSection(code: Code): string {
  return [
    `## ${code.code} ${code.name}`,
    '',
    `**${code.title}** (${code.severity})`,
    '',
    code.cause,
    '',
    `Fix: ${code.fix}`,
    '',
  ].join('\n')
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/codes.md', import.meta.url), codesPage(CODES))
