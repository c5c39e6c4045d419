/**
 * Recall's regions are separate deployments; an OAuth App lives in the one it was created in.
 *
 * @see https://docs.recall.ai/docs/regions
 */
export const recallRegions = ['us-east-1', 'us-west-2', 'eu-central-1', 'ap-northeast-1'] as const;
export type RecallRegion = (typeof recallRegions)[number];

export function recallBaseUrl(region: RecallRegion): string {
  return `https://${region}.recall.ai`;
}

/**
 * Where Recall takes an app's Zoom notifications. No trailing slash, unlike all of Recall's API: the documented form,
 * and redirects are not followed.
 *
 * @param baseUrl without or with a trailing slash; a path in it is kept
 * @see https://docs.recall.ai/docs/integration-guide-zoom-oauth-legacy-scopes
 */
export function recallWebhookUrl(baseUrl: string, zoomOauthAppId: string): URL {
  return new URL(`${baseUrl.replace(/\/+$/, '')}/api/v2/zoom-oauth-apps/${zoomOauthAppId}/webhook`);
}
