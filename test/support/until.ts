/**
 * Asks until the answer is right, for what cannot be told by an event: daemons of others say nothing by themselves. A question that
 * fails is asked again. @throws {Error} with the last answer
 */
export async function until<T>(ask: () => Promise<T>, right: (value: T) => boolean, timeoutInMs = 10_000): Promise<T> {
  const end = performance.now() + timeoutInMs
  for (;;) {
    const value = await ask().then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    )
    if ('answer' in value && right(value.answer)) return value.answer
    if (performance.now() > end) throw new Error(`not within ${timeoutInMs} ms; it is ${told(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function told(value: { readonly answer: unknown } | { readonly error: unknown }): string {
  return 'answer' in value ? JSON.stringify(value.answer)?.slice(0, 2_000) : String(value.error)
}
