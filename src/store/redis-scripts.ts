/** What of a Redis client is used to run scripts. */
export interface RedisScripts {
  eval(script: string, keyCount: number, ...keysAndArgs: (string | number)[]): Promise<unknown>;
  evalsha(hash: string, keyCount: number, ...keysAndArgs: (string | number)[]): Promise<unknown>;
}
