/** Tokens of service accounts: JSON Web Tokens (RFC 7519), signed as ES256 or RS256 with the server's own key. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'

export interface TokenClaims {
  readonly iss: string
  readonly sub: string
  /** Absent in tokens of Secrets. */
  readonly aud?: readonly string[]
  /** Seconds since the epoch; absent in tokens that do not end. */
  readonly iat?: number
  readonly nbf?: number
  readonly exp?: number
  readonly [claim: string]: unknown
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export class TokenSigner {
  readonly #key: KeyObject

  /** `pem` is the private key; absent: a new one, whose tokens end with the process. */
  constructor(pem?: string) {
    this.#key = pem === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : createPrivateKey(pem)
  }

  sign(claims: TokenClaims): string {
    const alg = this.#key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256'
    const text = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(text), { key: this.#key, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }

  /** What a token says; undefined when it is not one of ours, or out of its time. */
  verify(token: string, nowInMs: number): TokenClaims | undefined {
    const [head = '', body = '', signature = ''] = token.split('.')
    const key = { key: createPublicKey(this.#key), dsaEncoding: 'ieee-p1363' } as const
    try {
      if (!verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) return undefined
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as TokenClaims
      const { nbf = 0, exp = Number.POSITIVE_INFINITY } = claims
      return nbf * 1000 <= nowInMs && nowInMs < exp * 1000 ? claims : undefined
    } catch {
      return undefined
    }
  }
}
