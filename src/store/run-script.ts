import { hash } from 'node:crypto';
import type { RedisScripts } from './redis-scripts.ts';

const knownHashes = new Map<string, string>();

/**
 * `eval` that sends the script's hash, and its text only to a Redis that does not know it yet (a new one, or one that has been
 * restarted). What else is sent meanwhile may then be carried out before it.
 */
export async function runScript(
  client: RedisScripts,
  script: string,
  keyCount: number,
  ...keysAndArgs: (string | number)[]
): Promise<unknown> {
  try {
    return await client.evalsha(hashOf(script), keyCount, ...keysAndArgs);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return client.eval(script, keyCount, ...keysAndArgs);
    throw error;
  }
}

function hashOf(script: string): string {
  const known = knownHashes.get(script) ?? hash('sha1', script, 'hex');
  knownHashes.set(script, known);
  return known;
}
