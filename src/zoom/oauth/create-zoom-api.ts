import type { z } from 'zod';
import * as build from './build-api-requests.ts';
import { interpretApiAnswer, tokenSchema, userSchema } from './interpret-api-answer.ts';
import { createUndiciSender } from './undici-sender.ts';
import type { ZoomAccess, ZoomAnswer, ZoomApi } from './zoom-oauth.ts';

export interface ZoomApiOptions {
  /** `https://api.zoom.us`, for whoever has no `apiUrl` of their own. */
  readonly apiUrl: string;
  /** For one call; 10 s. */
  readonly timeoutMs?: number;
}

/** Nothing is repeated: who asks has somebody waiting, and knows for how long. */
export function createZoomApi({ apiUrl, timeoutMs = 10_000 }: ZoomApiOptions): ZoomApi {
  const sender = createUndiciSender(timeoutMs, true);

  async function ask<T>({ token }: ZoomAccess, built: build.Built, schema: z.ZodType<T>): Promise<ZoomAnswer<T>> {
    return 'kind' in built ? built : interpretApiAnswer(await sender.send(built), schema, token);
  }

  return {
    readMe: (access) => ask(access, build.readMe(apiUrl, access), userSchema),
    readZak: (access) => ask(access, build.readZak(apiUrl, access), tokenSchema),
    readOnBehalfToken(access, meetingId) {
      return ask(access, build.readOnBehalfToken(apiUrl, access, meetingId), tokenSchema);
    },
    readJoinToken(access, meetingId) {
      return ask(access, build.readJoinToken(apiUrl, access, meetingId), tokenSchema);
    },
    close: () => sender.close(),
  };
}
