import type { RawObject } from '../kind.ts'
import { type FieldErrors, invalid } from './check.ts'
import { column, defineKind, nameColumn, wide } from './define.ts'
import { since } from './duration.ts'

interface Event extends RawObject {
  involvedObject?: {
    kind?: string
    name?: string
    namespace?: string
    fieldPath?: string
    uid?: string
    apiVersion?: string
    resourceVersion?: string
  }
  type?: string
  reason?: string
  message?: string
  count?: number
  source?: { component?: string; host?: string }
  reportingComponent?: string
  reportingInstance?: string
  firstTimestamp?: string | null
  lastTimestamp?: string | null
  eventTime?: string | null
  series?: { count?: number; lastObservedTime?: string }
}

/** Fields that Go writes also when they are not set. */
function defaults(object: RawObject): void {
  const event = object as Event
  event.involvedObject ??= {}
  event.source ??= {}
  event.reportingComponent ??= ''
  event.reportingInstance ??= ''
  event.firstTimestamp ??= null
  event.lastTimestamp ??= null
  event.eventTime ??= null
}

/** An event lives beside its object; those of objects without a namespace are in `default`. */
function validate(object: RawObject): FieldErrors {
  const namespace = (object as Event).involvedObject?.namespace ?? ''
  const expected = namespace === '' ? 'default' : namespace
  return object.metadata.namespace === expected
    ? []
    : [invalid('involvedObject.namespace', namespace, 'does not match event.namespace')]
}

/** As the real server's --event-ttl. */
const RETENTION_IN_MS = 3_600_000

function lastUsed({ metadata, lastTimestamp, eventTime, series }: Event): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]
  return Math.max(...times.map((time) => Date.parse(time ?? '')).filter(Number.isFinite))
}

function firstSeen(event: Event, nowInMs: number): string {
  return since(event.firstTimestamp ?? event.eventTime, nowInMs)
}

function lastSeen(event: Event, nowInMs: number): string {
  if (event.series !== undefined) return since(event.series.lastObservedTime, nowInMs)
  return event.lastTimestamp ? since(event.lastTimestamp, nowInMs) : firstSeen(event, nowInMs)
}

function source({ source: from, reportingComponent, reportingInstance }: Event): string {
  return [from?.component || reportingComponent, from?.host || reportingInstance].filter((part) => part).join(', ')
}

function target({ involvedObject }: Event): string {
  const kind = (involvedObject?.kind ?? '').toLowerCase()
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind
}

const involved = (field: keyof NonNullable<Event['involvedObject']>): [string, (object: RawObject) => string] => [
  `involvedObject.${field}`,
  (object) => (object as Event).involvedObject?.[field] ?? '',
]

export const event = defineKind({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Event',
  createsOnUpdate: true,
  retention: { inMs: RETENTION_IN_MS, lastUsedInMs: (object) => lastUsed(object as Event) },
  selectableFields: {
    ...Object.fromEntries(
      (['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const).map(involved),
    ),
    reason: (object) => (object as Event).reason ?? '',
    reportingComponent: (object) => (object as Event).reportingComponent ?? '',
    source: (object) => (object as Event).source?.component || ((object as Event).reportingComponent ?? ''),
    type: (object) => (object as Event).type ?? '',
  },
  defaults,
  validate,
  columns: [
    column('Last Seen', 'string', 'The time at which the most recent occurrence of this event was recorded.', (object, now) =>
      lastSeen(object as Event, now),
    ),
    column('Type', 'string', 'api.core.v1.Event.type', (object) => (object as Event).type ?? ''),
    column('Reason', 'string', 'api.core.v1.Event.reason', (object) => (object as Event).reason ?? ''),
    column('Object', 'string', 'api.core.v1.Event.involvedObject', (object) => target(object as Event)),
    wide(
      'Subobject',
      'string',
      'api.core.v1.ObjectReference.fieldPath',
      (object) => (object as Event).involvedObject?.fieldPath ?? '',
    ),
    wide('Source', 'string', 'api.core.v1.Event.source', (object) => source(object as Event)),
    column('Message', 'string', 'api.core.v1.Event.message', (object) => ((object as Event).message ?? '').trim()),
    wide('First Seen', 'string', 'api.core.v1.Event.firstTimestamp', (object, now) => firstSeen(object as Event, now)),
    wide(
      'Count',
      'string',
      'api.core.v1.Event.count',
      (object) => (object as Event).series?.count ?? ((object as Event).count || 1),
    ),
    { ...nameColumn, priority: 1 },
  ],
})
