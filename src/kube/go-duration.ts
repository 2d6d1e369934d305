/** Durations as Go writes them, which is how Kubernetes' fields have them: `90s`, `1m30s`, `1.5h`. */

const PART = /([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/y

const IN_SECONDS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 }

/** Seconds, with what is left of a second as a fraction; undefined for what is no duration. Source: Go, time.ParseDuration. */
export function parseGoDuration(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([-+]?)(.*)$/s.exec(text) ?? []
  if (rest === '0') return 0
  let seconds = 0
  let at = 0
  while (at < rest.length || at === 0) {
    PART.lastIndex = at
    const part = PART.exec(rest)
    if (part === null) return undefined
    seconds += Number(part[1]) * (IN_SECONDS[part[2] ?? ''] ?? 0)
    at = PART.lastIndex
  }
  return sign === '-' ? -seconds : seconds
}
