/** Log files in the form of the container runtime interface: `TIME stream F|P text` a line. */

/** Longer lines are cut into parts (`P`), as containerd does. */
const MAX_LINE = 16_384

/** Turns the bytes of one stream of a container into log lines; a part of a line waits for its end, or for `flush`. */
export class CriLineWriter {
  readonly #stream: 'stdout' | 'stderr'
  #rest = Buffer.alloc(0)

  constructor(stream: 'stdout' | 'stderr') {
    this.#stream = stream
  }

  /** `time` is RFC 3339 with nanoseconds. */
  push(bytes: Buffer, time: string): string {
    let text = ''
    let data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    for (;;) {
      const end = data.indexOf(10)
      if (end >= 0 && end <= MAX_LINE) {
        text += `${time} ${this.#stream} F ${data.subarray(0, end).toString()}\n`
        data = data.subarray(end + 1)
      } else if (data.length > MAX_LINE) {
        text += `${time} ${this.#stream} P ${data.subarray(0, MAX_LINE).toString()}\n`
        data = data.subarray(MAX_LINE)
      } else break
    }
    this.#rest = Buffer.from(data)
    return text
  }

  flush(time: string): string {
    if (this.#rest.length === 0) return ''
    const text = `${time} ${this.#stream} F ${this.#rest.toString()}\n`
    this.#rest = Buffer.alloc(0)
    return text
  }
}

/** RFC 3339 with nine decimals, as log files have it. */
export function logTime(nowInMs: number): string {
  return new Date(nowInMs).toISOString().replace('Z', '000000Z')
}

export interface LogQuery {
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tailLines?: number
  readonly limitBytes?: number
  /** Lines before this moment are left out. */
  readonly sinceInMs?: number
}

/** Reads the query of GET /containerLogs. Returns a sentence when a value cannot be used. */
export function parseLogQuery(query: URLSearchParams, nowInMs: number): LogQuery | string {
  const flag = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '')
  const numbers: Record<string, number | undefined> = {}
  for (const name of ['tailLines', 'limitBytes', 'sinceSeconds']) {
    const text = query.get(name)
    if (text === null || text === '') continue
    if (!/^\d+$/.test(text)) return `${name} must be a whole number, not "${text}"`
    numbers[name] = Number(text)
  }
  const sinceTime = query.get('sinceTime') ?? ''
  const sinceTimeInMs = sinceTime === '' ? undefined : Date.parse(sinceTime)
  if (Number.isNaN(sinceTimeInMs)) return `sinceTime must be an RFC 3339 time, not "${sinceTime}"`
  const sinceInMs = numbers.sinceSeconds === undefined ? sinceTimeInMs : nowInMs - numbers.sinceSeconds * 1000
  const { tailLines, limitBytes } = numbers
  return { follow: flag('follow'), previous: flag('previous'), timestamps: flag('timestamps'), tailLines, limitBytes, sinceInMs }
}

/** What is shown of one log line, or '' when it is too old. A part is shown without a line end. */
export function renderLogLine(line: string, query: Pick<LogQuery, 'timestamps' | 'sinceInMs'>): string {
  const parts = /^(\S+) (?:stdout|stderr) ([FP]) (.*)$/s.exec(line)
  if (parts === null) return ''
  const [, time = '', tag, text = ''] = parts
  if (query.sinceInMs !== undefined && Date.parse(time) < query.sinceInMs) return ''
  return `${query.timestamps ? `${time} ` : ''}${text}${tag === 'F' ? '\n' : ''}`
}

/** The last `count` whole lines; parts count with the line that they begin. */
export function tailOf(lines: readonly string[], count: number): readonly string[] {
  let left = count
  let index = lines.length
  while (index > 0) {
    const whole = / (?:stdout|stderr) F /.test(lines[index - 1]?.slice(0, 60) ?? '')
    if (whole && left === 0) break
    if (whole) left--
    index--
  }
  return count === 0 ? [] : lines.slice(index)
}
