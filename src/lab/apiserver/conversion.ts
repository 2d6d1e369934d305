/** Several served versions of one kind: objects are stored in the form of one of them, and converted on their way in and out. */
import type { KindRecord, RawObject } from './kind.ts'
import { apiVersionOf, type Stored, storedFromJson } from './stored.ts'

type Convertible = Pick<KindRecord, 'group' | 'version' | 'kind' | 'conversion' | 'form'>

/** A stored object as it is read now. */
export const asRead = ({ form }: Pick<KindRecord, 'form'>, object: RawObject): RawObject => form?.read(object) ?? object

/** The record in whose form objects of this one are stored: itself, unless it is converted. */
export const storageOf = (record: KindRecord): KindRecord => record.conversion?.storage ?? record

/** The record as which objects are merged and owned: the stored one, but custom resources look the same in every version. */
export const mergedAs = (record: KindRecord): KindRecord => (record.form === undefined ? storageOf(record) : record)

/** A decoded object in the form that is stored. */
export function toStorage(record: Convertible, object: RawObject): RawObject {
  const { conversion } = record
  if (conversion === undefined) return object
  return { ...conversion.toStorage(object), apiVersion: apiVersionOf(conversion.storage), kind: conversion.storage.kind }
}

/** An object in the form that this record serves. */
export function toServed(record: Convertible, object: RawObject): RawObject {
  const { conversion } = record
  if (conversion === undefined) return asRead(record, object)
  return { ...conversion.fromStorage(asRead(record, object)), apiVersion: apiVersionOf(record), kind: record.kind }
}

/** A stored version in the form that this record serves; the same one where nothing is converted. */
export function storedToServed(record: Convertible, stored: Stored): Stored {
  if (record.conversion === undefined && asRead(record, stored.object) === stored.object) return stored
  const { kind, apiVersion, metadata, ...rest } = toServed(record, stored.object)
  return storedFromJson(JSON.stringify({ kind, apiVersion, metadata, ...rest }), stored.version)
}
