/**
 * Fills Secrets of type kubernetes.io/service-account-token with a token of their ServiceAccount that does not end, the authority and
 * the namespace, and removes those whose account is gone. Source: kubernetes pkg/controller/serviceaccount/tokens_controller.go.
 */
import type { Logger } from 'pino'
import type { KindRecord, RawObject } from './kind.ts'
import { ACCOUNT_NAME, ACCOUNT_UID, type Secret, TOKEN_TYPE } from './kinds/secret.ts'
import type { TokenSigner } from './kinds/token-signer.ts'
import type { Registry } from './registry.ts'
import { storeKey } from './stored.ts'
import { LEGACY_ISSUER, secretClaims } from './token-user.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

const SECRETS = 'secrets'
const ACCOUNTS = 'serviceaccounts'
const OPTIONS: WriteOptions = { dryRun: false, fieldManager: 'kube-controller-manager', fieldValidation: 'Ignore', force: false }

export interface TokenSecretOptions {
  readonly tokens: TokenSigner
  /** PEM; absent: no ca.crt. */
  readonly ca: string | undefined
  readonly log: Logger
}

/** Starts; call the result to stop. */
export function keepTokenSecrets(writer: Writer, registry: Registry, options: TokenSecretOptions): () => void {
  const record = registry.find('', 'v1', SECRETS)
  return record === undefined ? () => undefined : new TokenSecrets(writer, record, options).start()
}

class TokenSecrets {
  readonly #writer: Writer
  readonly #record: KindRecord
  readonly #options: TokenSecretOptions
  /** Namespaces that are to be looked at. */
  readonly #dirty = new Set<string>()

  constructor(writer: Writer, record: KindRecord, options: TokenSecretOptions) {
    this.#writer = writer
    this.#record = record
    this.#options = options
  }

  start(): () => void {
    const { store } = this.#writer
    const stops = [
      store.listen(SECRETS, ({ stored }) => {
        if ((stored.object as Secret).type === TOKEN_TYPE) this.#mark(stored.object)
      }),
      store.listen(ACCOUNTS, ({ stored }) => this.#mark(stored.object)),
    ]
    for (const { object } of store.list(SECRETS)) this.#mark(object)
    return () => {
      this.#dirty.clear()
      for (const stop of stops) stop()
    }
  }

  /** Before the next request is read. */
  #mark({ metadata }: RawObject): void {
    if (this.#dirty.size === 0) queueMicrotask(() => this.#work())
    this.#dirty.add(metadata.namespace ?? '')
  }

  #work(): void {
    for (const namespace of this.#dirty) {
      this.#dirty.delete(namespace)
      try {
        for (const { object } of this.#writer.store.list(SECRETS, namespace)) this.#settle(object as Secret)
      } catch (err) {
        this.#options.log.warn(
          { err, namespace },
          'tokens of service accounts could not be kept; they will be at the next change',
        )
      }
    }
  }

  #settle(secret: Secret): void {
    const { namespace, name = '', annotations = {} } = secret.metadata
    if (secret.type !== TOKEN_TYPE || secret.metadata.deletionTimestamp !== undefined) return
    const account = this.#writer.store.get(ACCOUNTS, storeKey(namespace, annotations[ACCOUNT_NAME] ?? ''))?.object
    const known = annotations[ACCOUNT_UID]
    if (account === undefined || (known !== undefined && known !== account.metadata.uid)) {
      this.#writer.remove(this.#record, secret)
      return
    }
    const place = { record: this.#record, namespace, subresource: '' }
    const old = this.#writer.find(place, name)
    const object = filled(secret, account, this.#options)
    if (old !== undefined && object !== undefined) this.#writer.update({ place, object, options: OPTIONS }, old)
  }
}

/** The Secret with what it lacks; undefined when it lacks nothing. */
function filled(secret: Secret, account: RawObject, { tokens, ca }: TokenSecretOptions): Secret | undefined {
  const { namespace = '', name = '', annotations } = secret.metadata
  const { name: accountName = '', uid = '' } = account.metadata
  const claims = { iss: LEGACY_ISSUER, ...secretClaims({ namespace, secret: name, account: accountName, uid }) }
  const data = {
    ...(ca === undefined ? {} : { 'ca.crt': encoded(ca) }),
    namespace: encoded(namespace),
    token: secret.data?.token ?? encoded(tokens.sign({ ...claims, sub: `system:serviceaccount:${namespace}:${accountName}` })),
  }
  const complete = Object.entries(data).every(([key, value]) => secret.data?.[key] === value)
  if (complete && annotations?.[ACCOUNT_UID] === uid) return undefined
  const copy = structuredClone(secret)
  copy.metadata.annotations = { ...annotations, [ACCOUNT_UID]: uid }
  copy.data = { ...secret.data, ...data }
  return copy
}

const encoded = (text: string): string => Buffer.from(text).toString('base64')
