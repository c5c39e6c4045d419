import type { TestRelay } from './test-relay.ts';

export const operatorToken = 'operator-token-for-tests';

export interface Answer {
  readonly status: number;
  /** Parsed JSON; `undefined` without a body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** Asks a relay's operator API as an operator does. */
export async function ask(
  relay: TestRelay,
  path: string,
  init: RequestInit & { readonly input?: unknown } = {},
): Promise<Answer> {
  const { input, ...rest } = init;
  const answer = await fetch(new URL(path, relay.relay.privateUrl), {
    redirect: 'manual',
    ...rest,
    headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json', ...rest.headers },
    ...(input !== undefined && { body: JSON.stringify(input) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) };
}

export function post(relay: TestRelay, path: string, input: unknown = {}): Promise<Answer> {
  return ask(relay, path, { method: 'POST', input });
}
