import { Hono } from 'hono';
import { errorResponse } from '../../http-error.ts';
import { type Assets, readAssets } from './read-assets.ts';

/**
 * `GET /assets/:name`, for anyone: the log-in page needs the style. With its version in the URL an asset can be kept
 * forever; without, it is asked for anew each time.
 */
export function createAssetRoutes(assets: Assets = readAssets()): Hono {
  const routes = new Hono();
  routes.get('/assets/:name', (c) => {
    const asset = assets.get(c.req.param('name'));
    if (asset === undefined) return errorResponse(c, 'route_unknown', 'there is no such asset');
    const { bytes, contentType, version } = asset;
    const etag = `"${version}"`;
    const headers = {
      etag,
      'cache-control': c.req.query('v') === version ? 'public, max-age=31536000, immutable' : 'no-cache',
      'x-content-type-options': 'nosniff',
    };
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
    return c.body(bytes, 200, { ...headers, 'content-type': contentType });
  });
  return routes;
}
