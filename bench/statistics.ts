/** The value below which `share` (0 to 1) of the values lie, by the nearest rank; NaN for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** `0.21 ms`, `12 ms`, `1.4 s` */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 0 : 1)} s`
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(2)} ms`
}

/** `peer` in times of `own`: `3.2x`, `1,400x`; 1x is equal, more means that the peer takes longer. */
export function times(peer: number, own: number): string {
  const ratio = peer / own
  if (!Number.isFinite(ratio)) return '-'
  return `${ratio >= 10 ? Math.round(ratio).toLocaleString('en-US') : ratio.toFixed(1)}x`
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The milliseconds that `action` takes. */
export async function timed(action: () => unknown): Promise<number> {
  const startedAt = performance.now()
  await action()
  return performance.now() - startedAt
}
