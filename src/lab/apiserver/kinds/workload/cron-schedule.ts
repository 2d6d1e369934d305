/**
 * Whether a CronJob's schedule is one, and in Kubernetes' words why not.
 * Source: kubernetes pkg/apis/batch/validation validateScheduleFormat; github.com/robfig/cron/v3 parser.go (ParseStandard).
 */
interface Bounds {
  readonly min: number
  readonly max: number
  /** From what number its names count; none without. */
  readonly names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
]
const DESCRIPTORS = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/
const DURATION = /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/

/** What is wrong with it; '' when nothing is. */
export function scheduleProblem(schedule: string): string {
  if (schedule.includes('TZ')) return 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
  if (schedule.startsWith('@')) return descriptorProblem(schedule)
  const fields = schedule.split(/\s+/).filter((field) => field !== '')
  if (fields.length !== FIELDS.length)
    return `expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(' ')}]`
  for (const [index, bounds] of FIELDS.entries())
    for (const range of (fields[index] ?? '').split(',').filter((each) => each !== '')) {
      const problem = rangeProblem(range, bounds)
      if (problem !== '') return problem
    }
  return ''
}

function descriptorProblem(schedule: string): string {
  if (DESCRIPTORS.test(schedule)) return ''
  if (!schedule.startsWith('@every ')) return `unrecognized descriptor: ${schedule}`
  const every = schedule.slice('@every '.length)
  return DURATION.test(every) ? '' : `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(every)}`
}

function rangeProblem(range: string, bounds: Bounds): string {
  const [span = '', step, ...moreSteps] = range.split('/')
  const [low = '', high, ...moreHighs] = span.split('-')
  const every = low === '*' || low === '?'
  if (!every && moreHighs.length > 0) return numberOf(low, bounds).problem || `too many hyphens: ${range}`
  const start = every ? { value: bounds.min, problem: '' } : numberOf(low, bounds)
  const end = every ? { value: bounds.max, problem: '' } : high === undefined ? start : numberOf(high, bounds)
  const stride = step === undefined ? { value: 1, problem: '' } : numberOf(step, { min: 0, max: 0 })
  const problem = start.problem || end.problem || (moreSteps.length > 0 ? `too many slashes: ${range}` : stride.problem)
  if (problem !== '') return problem
  const last = step !== undefined && high === undefined ? bounds.max : end.value
  if (start.value < bounds.min) return `beginning of range (${start.value}) below minimum (${bounds.min}): ${range}`
  if (last > bounds.max) return `end of range (${last}) above maximum (${bounds.max}): ${range}`
  if (start.value > last) return `beginning of range (${start.value}) beyond end of range (${last}): ${range}`
  return stride.value === 0 ? `step of range should be a positive number: ${range}` : ''
}

function numberOf(text: string, { min, names = [] }: Bounds): { readonly value: number; readonly problem: string } {
  const named = names.indexOf(text.toLowerCase())
  if (named >= 0) return { value: named + min, problem: '' }
  if (!/^[+-]?\d+$/.test(text)) {
    const problem = `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`
    return { value: 0, problem }
  }
  const value = Number(text)
  return { value, problem: value < 0 ? `negative number (${value}) not allowed: ${text}` : '' }
}
