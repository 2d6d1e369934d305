/** A shell transcript as a manual prints it, and whether what a command printed now is the same but for what must differ. */

export interface Exchange {
  readonly command: string
  /** Lines printed below the command; a last line `...` means "and so on". */
  readonly output: readonly string[]
}

/** Reads `$ command` lines and the output below each; a `$` alone is a bare prompt. */
export function parseTranscript(text: string): readonly Exchange[] {
  const exchanges: { command: string; output: string[] }[] = []
  for (const line of text.trimEnd().split('\n')) {
    const prompt = /^\$(?: (.*))?$/.exec(line)
    if (prompt === null) exchanges.at(-1)?.output.push(line)
    else if (prompt[1]?.trim()) exchanges.push({ command: prompt[1].trim(), output: [] })
  }
  return exchanges
}

/** Columns whose cells are the machine's or the moment's, so that only their presence is compared, and why. */
export const PLACEHOLDER_COLUMNS: Readonly<Record<string, string>> = {
  AGE: 'time since creation',
  VERSION: 'the Kubernetes version that the API server speaks',
  'OS-IMAGE': 'the machine',
  'KERNEL-VERSION': 'the machine',
  'CONTAINER-RUNTIME': 'the lab runs pods as processes',
  'CLUSTER-IP': 'allocated',
  SELECTOR: "the text's Service had been edited: its manifest has one label, its transcript two",
}

/** Addresses of the pod network are allocated; any one of the same node's range will do. */
const POD_ADDRESS = /^10\.244\.(\d+)\.\d+$/

/** `PORT:NODEPORT/PROTOCOL`. */
const NODE_PORT = /^(\d+):(\d+)(\/\w+)$/

const cellsOf = (line: string): readonly string[] => line.trim().split(/\s{2,}/)

const isTable = (lines: readonly string[]): boolean => /^NAME\s{2,}/.test(lines[0] ?? '')

/**
 * Compares what was printed with what the transcript has.
 *
 * Shape: one sentence per difference; none means that it matches. Column widths never matter. A node port that the manifest does not
 * give (`isNodePortGiven`) is allocated, and any other one will do.
 */
export function differences(expected: readonly string[], actual: readonly string[], isNodePortGiven = true): readonly string[] {
  return isTable(expected) ? tableDifferences(expected, actual, isNodePortGiven) : pageDifferences(expected, actual)
}

function tableDifferences(expected: readonly string[], actual: readonly string[], isNodePortGiven: boolean): readonly string[] {
  const header = cellsOf(expected[0] ?? '')
  const found = cellsOf(actual[0] ?? '')
  if (header.join('|') !== found.join('|')) return [`columns: expected ${header.join(' ')}, got ${found.join(' ') || 'nothing'}`]
  if (expected.length !== actual.length) return [`rows: expected ${expected.length - 1}, got ${actual.length - 1}`]
  return expected.slice(1).flatMap((line, row) => {
    const wanted = cellsOf(line).map((cell) => (isNodePortGiven ? cell : withoutNodePort(cell)))
    const got = cellsOf(actual[row + 1] ?? '').map((cell) => (isNodePortGiven ? cell : withoutNodePort(cell)))
    return header.flatMap((column, index) =>
      sameCell(column, wanted[index] ?? '', got[index] ?? '')
        ? []
        : [`${column}: expected ${wanted[index]}, got ${got[index] ?? 'nothing'}`],
    )
  })
}

function sameCell(column: string, wanted: string, got: string): boolean {
  if (column in PLACEHOLDER_COLUMNS) return got !== ''
  const [wantedPod, gotPod] = [POD_ADDRESS.exec(wanted), POD_ADDRESS.exec(got)]
  return wantedPod && gotPod ? wantedPod[1] === gotPod[1] : wanted === got
}

const withoutNodePort = (cell: string): string => cell.replace(NODE_PORT, '$1:NODEPORT$3')

function pageDifferences(expected: readonly string[], actual: readonly string[]): readonly string[] {
  const lines = expected.at(-1) === '...' ? expected.slice(0, -1) : expected
  return lines.flatMap((line, index) =>
    line === actual[index] ? [] : [`line ${index + 1}: expected ${line}, got ${actual[index] ?? 'nothing'}`],
  )
}
