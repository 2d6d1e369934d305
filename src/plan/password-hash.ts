/** Forms of hashes that crypt(3) of a current libcrypt verifies. */

const FORMS: readonly RegExp[] = [
  /^\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/,
  /^\$2[abxy]\$(0[4-9]|1\d)\$[./A-Za-z0-9]{53}$/,
  /^\$5\$(rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}$/,
  /^\$6\$(rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}$/,
  /^\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}$/,
]

/** Not so: Apache's own ($apr1$, {SHA}), plain text, and DES, which minds eight characters only. Source: crypt(5) of libxcrypt. */
export function isVerifiable(hash: string): boolean {
  return FORMS.some((form) => form.test(hash))
}
