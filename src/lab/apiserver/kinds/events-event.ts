import type { KindRecord, RawObject } from '../kind.ts'

/** Names of events.k8s.io/v1 and, in storage, of core/v1. Source: kubernetes pkg/apis/events/v1/conversion.go. */
const NAMES: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
]
const TO_STORAGE = new Map(NAMES)
const FROM_STORAGE = new Map(NAMES.map(([served, stored]) => [stored, served] as const))

const renamed = (object: RawObject, names: ReadonlyMap<string, string>): RawObject =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value])) as RawObject

/** Events of events.k8s.io/v1: the same objects as the core's, under other names. */
export function eventsEvent(storage: KindRecord): KindRecord {
  return {
    ...storage,
    group: 'events.k8s.io',
    schema: 'io.k8s.api.events.v1.Event',
    selectableFields: Object.fromEntries(
      Object.entries(storage.selectableFields).map(([field, value]) => [
        field.replace('involvedObject.', 'regarding.').replace('reportingComponent', 'reportingController'),
        value,
      ]),
    ),
    conversion: {
      storage,
      toStorage: (object) => renamed(object, TO_STORAGE),
      fromStorage: (object) => renamed(object, FROM_STORAGE),
    },
  }
}
