/**
 * A span of time as kubectl prints ages: two units while they matter, one when they do not.
 *
 * Source: apimachinery pkg/util/duration HumanDuration.
 */
export function humanDuration(spanInMs: number): string {
  const seconds = Math.trunc(spanInMs / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (hours < 192) return pair(days, 'd', hours % 24, 'h')
  if (days < 730) return `${days}d`
  const years = Math.trunc(days / 365)
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`
}

const pair = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`

/** How long ago a timestamp of the API was; `<unknown>` without one. */
export function since(timestamp: unknown, nowInMs: number): string {
  return typeof timestamp === 'string' && timestamp !== '' ? humanDuration(nowInMs - Date.parse(timestamp)) : '<unknown>'
}
