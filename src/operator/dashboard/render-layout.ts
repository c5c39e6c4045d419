import { html } from 'hono/html';
import type { Identity } from '../access/identity.ts';
import { csrfField } from './parts/csrf-field.ts';
import type { Html } from './parts/html.ts';
import type { PageContext } from './parts/page-context.ts';
import { withQuery } from './parts/paths.ts';
import { type Assets, urlOfAsset } from './read-assets.ts';

/** Where a page belongs in the menu. */
const sections = {
  overview: { title: 'Overview', path: '/', hasApps: true },
  deliveries: { title: 'Deliveries', path: '/deliveries', hasApps: true },
  replays: { title: 'Replays', path: '/replays', hasApps: false },
  live: { title: 'Live', path: '/live', hasApps: true },
  apps: { title: 'Apps', path: '/apps', hasApps: false },
  connections: { title: 'Connections', path: '/connections', hasApps: true },
  audit: { title: 'Audit', path: '/audit', hasApps: false },
} as const;
export type Section = keyof typeof sections;

export interface Page {
  readonly title: string;
  readonly section?: Section;
  /** The app that is looked at, when it is one of several. */
  readonly app?: string | undefined;
  readonly content: Html;
  /** Scripts besides the one of all pages. */
  readonly scripts?: readonly ('charts' | 'live')[];
}

interface Surroundings {
  readonly assets: Assets;
  readonly apps: readonly string[];
  /** Whether people can connect to any app. */
  readonly hasConnections: boolean;
  readonly nowMs: number;
}

/** Without eval and without inline styles, as the policy of our pages demands; nothing of a page is kept in the browser. */
const htmxConfig = JSON.stringify({
  allowEval: false,
  includeIndicatorStyles: false,
  historyEnabled: false,
  selfRequestsOnly: true,
});

export function renderLayout(c: PageContext, page: Page, { assets, apps, hasConnections, nowMs }: Surroundings): Html {
  const headers = JSON.stringify({ 'x-csrf-token': c.get('csrfToken') });
  const scripts = page.scripts ?? [];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="htmx-config" content="${htmxConfig}">
<title>${page.title} · zoom-relay</title>
<link rel="icon" href="${urlOfAsset(assets, 'icon.svg')}">
${scripts.includes('charts') ? html`<link rel="stylesheet" href="${urlOfAsset(assets, 'uplot.css')}">` : ''}
<link rel="stylesheet" href="${urlOfAsset(assets, 'dashboard.css')}">
<script defer src="${urlOfAsset(assets, 'htmx.js')}"></script>
${scripts.includes('charts') ? html`<script defer src="${urlOfAsset(assets, 'uplot.js')}"></script><script defer src="${urlOfAsset(assets, 'charts.js')}"></script>` : ''}
${scripts.includes('live') ? html`<script defer src="${urlOfAsset(assets, 'live.js')}"></script>` : ''}
<script defer src="${urlOfAsset(assets, 'dashboard.js')}"></script>
</head>
<body hx-headers="${headers}">
<a class="skip" href="#content">Skip to the content</a>
<header>
<div class="bar">
<a class="brand" href="/">zoom-relay</a>
${renderMenu(page, hasConnections)}
<div class="aside">
${renderFreshness(nowMs)}
${renderWho(c, c.get('identity'))}
</div>
</div>
${renderAppSwitch(page, apps)}
</header>
<main id="content" tabindex="-1">
<div id="notice" role="alert" hidden></div>
${page.content}
</main>
</body>
</html>
`;
}

function renderMenu({ section, app }: Page, hasConnections: boolean): Html {
  const shown = Object.entries(sections).filter(([name]) => name !== 'connections' || hasConnections);
  return html`<nav aria-label="Menu">${shown.map(([name, { title, path, hasApps }]) => {
    const href = withQuery(path, { app: hasApps ? app : undefined });
    return html`<a href="${href}"${name === section ? html` aria-current="page"` : ''}>${title}</a>`;
  })}</nav>`;
}

function renderFreshness(nowMs: number): Html {
  const iso = new Date(nowMs).toISOString();
  return html`<span id="freshness"><span class="sign" aria-hidden="true">○</span> <span class="words">as of <time datetime="${iso}">${iso.slice(11, 19)} UTC</time></span></span>`;
}

function renderWho(c: PageContext, { name, role, via }: Identity): Html {
  const who = html`<span class="who">${name}${role === 'read' ? ' (may look, not act)' : ''}</span>`;
  if (via === 'token') return who;
  return html`${who}<form method="post" action="/logout">${csrfField(c)}<button class="plain" type="submit">Log out</button></form>`;
}

function renderAppSwitch({ section, app }: Page, apps: readonly string[]): Html | string {
  if (apps.length < 2 || section === undefined || !sections[section].hasApps) return '';
  const option = (value: string, title: string): Html =>
    html`<option value="${value}"${value === (app ?? '') ? html` selected` : ''}>${title}</option>`;
  return html`<form class="bar switch" method="get" action="${sections[section].path}">
<label for="app-switch">App</label>
<select id="app-switch" name="app">${option('', 'all apps')}${apps.map((key) => option(key, key))}</select>
<button type="submit">Show</button>
</form>`;
}
