/** What the asker is asked and what it answers. */

export interface Request {
  readonly id: number
  readonly protocol: 'TCP' | 'UDP'
  readonly address: string
  readonly port: number
  /** The source port, for UDP. */
  readonly source?: number
  /** Sent as the body of a POST, for TCP. */
  readonly body?: string
  readonly timeoutInMs: number
}

/** Either what the echo server said, or why nothing came. */
export interface Answer {
  readonly pod?: string
  readonly client?: { readonly address: string; readonly port: number }
  readonly body?: string
  readonly error?: string
}
