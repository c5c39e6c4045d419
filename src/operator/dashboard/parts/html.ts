import type { html } from 'hono/html';

/** Markup in which every value is escaped. Made by `html` only. */
export type Html = ReturnType<typeof html>;
