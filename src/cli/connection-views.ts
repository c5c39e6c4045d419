import { z } from 'zod';

/** What the operator API answers about connections, as far as it is printed. */
export const connectionView = z.object({
  id: z.string(),
  app: z.string(),
  user: z.string(),
  state: z.string(),
  detail: z.string().optional(),
  needsPerson: z.boolean(),
  zoomUserId: z.string().optional(),
  zoomAccountId: z.string().optional(),
  email: z.string().optional(),
  credentialId: z.string().optional(),
  connectedAt: z.string(),
  checkedAt: z.string().optional(),
});
export type ConnectionView = z.infer<typeof connectionView>;

export const connectionList = z.object({
  connections: z.array(connectionView),
  cursor: z.string().optional(),
  isPartial: z.boolean(),
});

export const connectLink = z.object({ url: z.string(), expiresAt: z.string() });

export const disconnected = z.object({ leftBehind: z.array(z.string()) });

export const botUrls = z.object({ zakUrl: z.string(), obfTokenUrl: z.string(), joinTokenUrl: z.string() });
