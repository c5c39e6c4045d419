import { Secret } from '../secret.ts';
import type { ZoomUserRegistration } from './zoom-oauth/registrations.ts';

/** The Secret Token of the demo's app. Public, and good for nothing but a relay on this machine that uses it. */
export const demoSecret = new Secret('zoom-relay-demo-secret-token');

/** The id of the demo's app at the Recall stand-in. */
export const demoOauthAppId = '00000000-0000-4000-8000-000000000000';

/** The demo's app at Zoom. As public as the Secret Token. */
export const demoClient = { clientId: 'zoom-relay-demo', clientSecret: 'zoom-relay-demo-client-secret' } as const;

/** Who connects their Zoom: the host of the sample `meeting.created`. */
export const demoUser: ZoomUserRegistration = {
  id: 'x1yCzABCDEfg23HiJKl4mN',
  accountId: 'VjZoEArIT5y-HlWxkV-tVA',
  email: 'someone@example.com',
};
