/** A request for a resource on its way to an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Form } from './accept.ts'
import type { Place } from './incoming.ts'
import type { Target } from './registry.ts'
import type { Rendering } from './reply.ts'

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  readonly form: Form
  readonly target: Target
  readonly place: Place
  readonly rendering: Rendering
}

/** Answers an exchange. @throws {ApiError} before the first byte */
export type Verb = (exchange: Exchange) => Promise<void> | void

/** By HTTP method. */
export type Verbs = Readonly<Record<string, Verb>>
