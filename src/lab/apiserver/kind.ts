/**
 * What a kind is to the embedded API server: one data record. The handler, store, watch, tables and discovery are the same
 * for all kinds and never ask which one they serve.
 */

import type { OpenApiSchema } from './openapi/schemas.ts'
import type { FieldMeta } from './schema/types.ts'

/** An object as JSON has it. Records own the shape of theirs; the machinery touches apiVersion, kind and metadata only. */
export interface RawObject {
  apiVersion: string
  kind: string
  metadata: RawMetadata
  [field: string]: unknown
}

export interface RawMetadata {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: Record<string, unknown>[]
  managedFields?: Record<string, unknown>[]
  [field: string]: unknown
}

/** Kubernetes' field errors (apimachinery pkg/util/validation/field/errors.go): the words of a Status follow from these alone. */
export interface FieldError {
  readonly type:
    | 'Required'
    | 'Invalid'
    | 'NotSupported'
    | 'Duplicate'
    | 'Forbidden'
    | 'TooLong'
    | 'TooMany'
    | 'TypeInvalid'
    | 'Internal'
    | 'NotFound'
  /** As Kubernetes writes paths: `spec.ports[0].nodePort`. */
  readonly field: string
  readonly value?: unknown
  readonly detail?: string
  /** NotSupported: the values that are. */
  readonly supported?: readonly string[]
}

/** One column of a server-side Table. `priority` above 0 shows with `-o wide` only. */
export interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly description: string
  readonly priority?: number
  /** The cell. `nowInMs` is for ages, so that no column reads a clock. */
  value(object: RawObject, nowInMs: number): string | number | boolean | null
}

/** What an allocation may ask of the whole cluster; one per kind that has one, rebuilt from the store at start. */
export interface Allocation {
  /**
   * Fills in what the server chooses (cluster addresses, node ports) and claims what the user chose.
   * All or nothing: an error claims nothing. With `dryRun` nothing stays claimed.
   */
  allocate(object: RawObject, old: RawObject | undefined, dryRun: boolean): readonly FieldError[]
  /** Gives back what `old` holds and `kept` (the object now stored, if any) does not. */
  release(old: RawObject, kept: RawObject | undefined): void
  /** At start, for every stored object. */
  restore(object: RawObject): void
}

export type ActionOutcome =
  | { readonly next: 'update' | 'delete' }
  | { readonly answer: RawObject }
  | { readonly conflict: string }
  | { readonly errors: readonly FieldError[] }
  | { readonly tooMany: string; readonly cause: { readonly reason: string; readonly message: string } }

/** A subresource that is POSTed a body of another kind and acts on the object: `binding`, `eviction`. */
export interface PostAction {
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Schema of the body, to decode it with. */
  readonly schema: string
  /**
   * `update`: the object was changed in place, store it; `delete`: delete it as DELETE with the body's deleteOptions would;
   * an answer is sent as it is. The rest is why not: `conflict` goes into a 409 answer (`Operation cannot be fulfilled on
   * pods/binding "x": ...`), errors are of the body (422), and `tooMany` is for later (429), with its cause.
   */
  act(object: RawObject, body: RawObject, nowInMs: number): ActionOutcome
}

/** A subresource whose connection is handed through, after an HTTP upgrade, to the kubelet of the node that the pod is on. */
export interface KubeletStream {
  /** Kind of its options, for discovery. */
  readonly kind: string
  /** First segment of the kubelet's path; namespace, pod and, with `container`, the container follow. */
  readonly path: string
  readonly container: boolean
  /** Query parameters that go along, with the kubelet's names for them; a flag goes as `1` when it is set. */
  readonly parameters: Readonly<Record<string, { readonly name: string; readonly flag: boolean }>>
}

/** The subresource `scale`: paths of the object that autoscaling/v1 Scale shows. Source: CustomResourceSubresourceScale. */
export interface ScaleMapping {
  readonly specReplicasPath: readonly string[]
  readonly statusReplicasPath: readonly string[]
  /** A label selector, or one as text. Absent: Scale has none. */
  readonly selectorPath?: readonly string[]
}

/** How a version that is served beside the stored one becomes that and comes back; apiVersion and kind are set by the machinery. */
export interface Conversion {
  /** The record in whose form objects are stored. */
  readonly storage: KindRecord
  /** Neither changes its argument. */
  toStorage(object: RawObject): RawObject
  fromStorage(object: RawObject): RawObject
}

/** What a request's body decodes to. */
export interface Decoded {
  /** Wrong types; the server answers 400 with the first (`decodeFailure`). */
  readonly errors: readonly string[]
  /** `unknown field "spec.foo"`, in the order met: an error (Strict), a warning (Warn) or nothing (Ignore). */
  readonly unknown: readonly string[]
  /** The object without unknown fields; of generated schemas also without nulls, and scalars in canonical form. */
  readonly pruned: RawObject
}

/** What an object looks like, for kinds whose schema is none of the generated ones: custom resources. */
export interface ObjectForm {
  /** What server-side apply needs to know of its fields; every object in it has its `fields`. */
  readonly root: FieldMeta
  /** Never throws; `raw` is left as it is. */
  decode(raw: unknown): Decoded
  /** A stored object as its schema has it by now: pruned, and with the defaults of today. The same one when nothing differs. */
  read(object: RawObject): RawObject
  /** Its schemas as they are published, by name: the record's `schema` and that of the list. */
  readonly published: Readonly<Record<string, OpenApiSchema>>
}

export interface KindRecord {
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Of lists; the kind and `List` by default. */
  readonly listKind?: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** Subresources served beside the object, e.g. `status`. */
  readonly subresources: readonly string[]
  /** Name of its OpenAPI schema: `io.k8s.api.core.v1.Pod`. */
  readonly schema: string
  /** Set when `schema` is none of the generated ones. */
  readonly form?: ObjectForm
  /** Whether metadata.generation counts changes of the object outside metadata and status. */
  readonly countsGeneration: boolean
  readonly columns: readonly Column[]
  /** Field selectors beyond metadata.name and metadata.namespace. */
  readonly selectableFields: Readonly<Record<string, (object: RawObject) => string>>
  /** Fills in defaults, in place; called on every create, update and patch, after decoding. */
  defaults(object: RawObject): void
  /**
   * At creation, when defaults are set and before `prepare`: fills in, in place, what follows from other objects and is nobody's field;
   * says why the object may not be made, if so: 403.
   */
  admit?(object: RawObject): string | undefined
  /** Sets what a user may not (status at create, fields that follow from others); the machinery keeps status itself on update. */
  prepare?(object: RawObject, old: RawObject | undefined, subresource?: string): void
  /** `old` is absent at creation. `subresource` is '' or e.g. 'status'. Metadata is validated by the machinery. */
  validate(object: RawObject, old: RawObject | undefined, subresource: string): readonly FieldError[]
  /** Rules for metadata.name beyond "lowercase RFC 1123 subdomain"; the default is that. */
  readonly nameRule?: 'dns-subdomain' | 'dns-label' | 'path-segment'
  /** Sentences for HTTP Warning headers. */
  warnings?(object: RawObject, old: RawObject | undefined): readonly string[]
  /** Set for a version that is going away: a Warning header of every answer. */
  readonly deprecated?: string
  allocation?: Allocation
  /** Seconds that a deletion waits for someone to confirm it (a pod's kubelet); absent or 0: at once. */
  gracePeriodInSeconds?(object: RawObject): number
  /** Why an object may not be deleted, if so: 403. */
  undeletable?(object: RawObject): string | undefined
  /** Marks the object when its deletion begins, in place (a namespace turns Terminating). */
  beginDeletion?(object: RawObject): void
  /** Whether something beside metadata.finalizers keeps a deleted object for now (a namespace's spec.finalizers). */
  heldBack?(object: RawObject): boolean
  /** Whether DELETE answers the object instead of a Status (pods, services). */
  readonly returnsDeleted?: boolean
  /** Whether PUT of a missing object makes it (services, endpoints, leases, events). */
  readonly createsOnUpdate?: boolean
  /** Whether PUT must say which resourceVersion it replaces (custom resources and their definitions). */
  readonly replacesByVersion?: boolean
  /** Where a real server keeps it in etcd below /registry, as some messages say; the plural name by default. */
  readonly storagePath?: string
  /** For kinds that are not kept for good: how long, and from when. */
  readonly retention?: { readonly inMs: number; lastUsedInMs(object: RawObject): number }
  /** By subresource; each is named in `subresources` too. A success answers `Status` Success, 201. */
  readonly actions?: Readonly<Record<string, PostAction>>
  /** By subresource; each is named in `subresources` too. */
  readonly streams?: Readonly<Record<string, KubeletStream>>
  /**
   * Set for a version that is not the stored one: its schema is that of the served form, all its functions work on the stored
   * form, and its objects are those of `storage`.
   */
  readonly conversion?: Conversion
  /** Set when `scale` is among the subresources. */
  readonly scale?: ScaleMapping
  /** Set while objects may only be read and deleted: what is answered, with 405, to who would make one. */
  readonly closed?: string
  /** Aborted when the record is not served any more: watches of its objects end. Absent: never. */
  readonly retired?: AbortSignal
}
