import { z } from '@hono/zod-openapi';
import { parseDuration } from '../../duration.ts';
import { appKey, reason } from '../schemas.ts';
import { connectionStates } from './ports.ts';

/** What the operator API takes and gives of connections. */

const time = z.iso.datetime().describe('UTC');
/** Of a link, milliseconds. */
const expiry = { min: 60_000, max: 30 * 24 * 3_600_000 };

export const connectionPath = z.object({
  id: z
    .string()
    .regex(
      /^[A-Za-z0-9-]{1,60}$/,
      'must be the id of a connection, as "connections list" (GET /api/connections) shows it',
    ),
});

export const connectionFilter = z.object({
  app: appKey.optional(),
  state: z.enum(connectionStates, `must be one of ${connectionStates.join(', ')}`).optional(),
});
export type ConnectionFilter = z.infer<typeof connectionFilter>;

export const connectionView = z
  .object({
    id: z.string(),
    app: z.string(),
    user: z.string().describe('your own name for the person, from the link'),
    mode: z.enum(['recall-managed', 'customer-managed']).describe('who keeps the tokens'),
    state: z.enum(connectionStates),
    detail: z.string().optional().describe('why, unless healthy'),
    needsPerson: z.boolean().describe('only the person can mend it, by connecting again'),
    zoomUserId: z.string().optional(),
    zoomAccountId: z.string().optional(),
    email: z.string().optional().describe('at Zoom'),
    credentialId: z.string().optional().describe('of the Zoom OAuth credential in Recall'),
    scopes: z.array(z.string()).optional().describe('granted; absent where Recall keeps the tokens'),
    connectedAt: time.describe('of the last consent'),
    refreshedAt: time.optional().describe('when the tokens were last replaced'),
    checkedAt: time.optional().describe('when Recall was last asked how the credential is, to the hour'),
  })
  .openapi('Connection');
export type ConnectionView = z.infer<typeof connectionView>;

export const connectionList = z
  .object({
    connections: z.array(connectionView),
    cursor: z.string().optional().describe('for the next page; absent at the end'),
    isPartial: z.boolean().describe('enough was looked at before the page was full: go on with the cursor'),
  })
  .openapi('ConnectionList');
export type ConnectionList = z.infer<typeof connectionList>;

export const linkExpiryRule = 'must be how long, from 1m to 30d: 90m, 24h, 7d';

export const linkInput = z
  .object({
    app: appKey.optional(),
    user: z
      .string()
      .trim()
      .regex(/^[^\p{Cc}]{1,200}$/u, 'must be 1 to 200 characters')
      .optional()
      .describe('your own name for the person'),
    connection: z
      .string()
      .max(60, 'must be the id of a connection')
      .optional()
      .describe('instead of app and user: those of a connection, to connect again'),
    returnTo: z
      .string()
      .trim()
      .max(1000, 'must be at most 1000 characters')
      .optional()
      .describe('where the person goes afterwards; at one of the origins that are allowed'),
    expiresIn: z
      .string()
      .refine((text) => isExpiry(parseDuration(text)), linkExpiryRule)
      .default('24h'),
    reason,
  })
  .refine(({ app, user, connection }) => {
    return connection === undefined ? app !== undefined && user !== undefined : app === undefined && user === undefined;
  }, 'give app and user, or a connection instead')
  .openapi('LinkInput');
export type LinkInput = z.infer<typeof linkInput>;

export const connectLink = z
  .object({ url: z.string().describe('for whoever has it, more than once, until it expires'), expiresAt: time })
  .openapi('ConnectLink');

export const actInput = z.object({ reason });

export const disconnectQuery = z.object({
  force: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .describe('delete it here whatever Zoom and Recall say'),
  reason,
});

export const disconnectResult = z
  .object({ leftBehind: z.array(z.string()).describe('what was not undone at Zoom or Recall') })
  .openapi('Disconnected');

export const botUrls = z
  .object({
    zakUrl: z.string().describe('for zak_url of Create Bot'),
    obfTokenUrl: z.string().describe('for obf_token_url; meeting_id may be added'),
    joinTokenUrl: z.string().describe('for join_token_url, once meeting_id is added'),
  })
  .openapi('BotUrls', { description: 'each holds a secret' });

function isExpiry(ms: number | undefined): boolean {
  return ms !== undefined && ms >= expiry.min && ms <= expiry.max;
}
