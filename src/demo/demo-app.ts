import { Secret } from '../secret.ts';

/** The Secret Token of the demo's app. Public, and good for nothing but a relay on this machine that uses it. */
export const demoSecret = new Secret('zoom-relay-demo-secret-token');

/** The id of the demo's app at the Recall stand-in. */
export const demoOauthAppId = '00000000-0000-4000-8000-000000000000';
