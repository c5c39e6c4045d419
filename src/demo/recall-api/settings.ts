/** What Recall does not document, and what tests want otherwise. May be changed at any time. */
export interface RecallApiSettings {
  /** The firewall that refuses `localhost` and bare IP addresses in bodies; off for a demo on loopback. */
  waf: boolean;
  pageSize: number;
  /** Of each list of apps, app logs, credentials, meetings. */
  listsPerMinute: number;
  /** Of each other endpoint. */
  othersPerMinute: number;
  /** A new code for a user (or account) who has a credential: updates it, or is refused as Recall once did. */
  reauth: 'upsert' | 'conflict';
  /** The same for a callback URL. */
  secondCallbackUrl: 'upsert' | 'conflict';
  /** What an upsert answers. */
  upsertStatus: 200 | 201;
  /** `whsec_…`; all of them sign the calls of callbacks, none when empty. */
  workspaceSecrets: readonly string[];
  /** How long a callback may take, milliseconds. */
  callbackTimeoutMs: number;
  /** Where public origins of callbacks really are: `{'https://relay.example': 'http://127.0.0.1:8080'}`. */
  resolve: Readonly<Record<string, string>>;
  /** The origin of `next` and `previous` links; that of the request when `undefined`. */
  linkOrigin: string | undefined;
}

export const defaultRecallApiSettings: Readonly<RecallApiSettings> = {
  waf: true,
  pageSize: 50,
  listsPerMinute: 60,
  othersPerMinute: 300,
  reauth: 'upsert',
  secondCallbackUrl: 'upsert',
  upsertStatus: 200,
  workspaceSecrets: [],
  callbackTimeoutMs: 5000,
  resolve: {},
  linkOrigin: undefined,
};
