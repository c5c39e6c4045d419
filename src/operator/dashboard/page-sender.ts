import { pageHeaders } from './page-headers.ts';
import type { Html } from './parts/html.ts';
import type { PageContext } from './parts/page-context.ts';
import type { DashboardParts } from './ports.ts';
import type { Assets } from './read-assets.ts';
import { type Page, renderLayout } from './render-layout.ts';

/** Answers with pages, and with parts of them. */
export interface PageSender {
  page(c: PageContext, page: Page, status?: number): Promise<Response>;
  part(part: Html): Promise<Response>;
}

export function createPageSender({ service, connections, nowMs }: DashboardParts, assets: Assets): PageSender {
  const apps = [...new Set(service.consumerNames.map(({ app }): string => app))];
  const hasConnections = connections.apps.length > 0;
  return {
    page: (c, page, status = 200) =>
      respond(renderLayout(c, page, { assets, apps, hasConnections, nowMs: nowMs() }), status),
    part: (part) => respond(part, 200),
  };
}

async function respond(content: Html, status: number): Promise<Response> {
  const headers = { ...pageHeaders, 'content-type': 'text/html; charset=utf-8' };
  return new Response(String(await content), { status, headers });
}
