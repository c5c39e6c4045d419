import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Changes with the bytes. */
  readonly version: string;
}

const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';
const { resolve } = createRequire(import.meta.url);
const own = (name: string): string => fileURLToPath(new URL(`assets/${name}`, import.meta.url));

const sources = {
  'dashboard.css': { pathOf: () => own('dashboard.css'), contentType: style },
  'dashboard.js': { pathOf: () => own('dashboard.js'), contentType: script },
  'charts.js': { pathOf: () => own('charts.js'), contentType: script },
  'live.js': { pathOf: () => own('live.js'), contentType: script },
  'icon.svg': { pathOf: () => own('icon.svg'), contentType: 'image/svg+xml' },
  'htmx.js': { pathOf: () => resolve('htmx.org/dist/htmx.min.js'), contentType: script },
  'uplot.js': { pathOf: () => resolve('uplot/dist/uPlot.iife.min.js'), contentType: script },
  'uplot.css': { pathOf: () => resolve('uplot/dist/uPlot.min.css'), contentType: style },
} as const;
export type AssetName = keyof typeof sources;
export type Assets = ReadonlyMap<string, Asset>;

/** Reads what pages link to: files of ours, and of the packages htmx.org and uplot as they are installed. */
export function readAssets(): Assets {
  return new Map(
    Object.entries(sources).map(([name, { pathOf, contentType }]) => {
      const bytes = new Uint8Array(readFileSync(pathOf()));
      const version = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
      return [name, { bytes, contentType, version }];
    }),
  );
}

/** The URL under which this version of an asset can be kept forever. */
export function urlOfAsset(assets: Assets, name: AssetName): string {
  return `/assets/${name}?v=${assets.get(name)?.version ?? ''}`;
}
