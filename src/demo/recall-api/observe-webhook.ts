import { z } from 'zod';
import { challengeEvent } from '../../zoom/challenge.ts';
import type { EventLook } from '../../zoom/event.ts';
import type { RecallState } from './recall-state.ts';
import type { AppRecord, CredentialRecord } from './records.ts';

const meetingCreated = z.object({
  payload: z.object({
    account_id: z.string(),
    operator_id: z.string().optional(),
    object: z.object({ id: z.coerce.number(), host_id: z.string() }),
  }),
});
const deauthorized = z.object({ payload: z.object({ user_id: z.string(), account_id: z.string() }) });

/** What a verified webhook changes: the app's validation, the meetings, the health of credentials. */
export function observeWebhook(state: RecallState, app: AppRecord, look: EventLook, nowMs: number): void {
  const ofApp = [...state.credentials.values()].filter(({ oauthApp }) => oauthApp === app.id);
  const isOf = ({ userId, accountId }: CredentialRecord, user: string | undefined, account: string): boolean =>
    app.kind === 'user_level' ? userId === user : accountId === account;
  switch (look.name) {
    case challengeEvent:
      app.lastValidationAtMs = nowMs;
      return;
    case 'meeting.created': {
      const { data } = meetingCreated.safeParse(look.parsed);
      if (data === undefined) return;
      const { account_id, operator_id, object } = data.payload;
      const host = ofApp.find((credential) => isOf(credential, object.host_id, account_id));
      const credential = host ?? ofApp.find((candidate) => isOf(candidate, operator_id, account_id));
      if (credential !== undefined) state.mapMeeting(object.id, credential.id);
      return;
    }
    case 'app_deauthorized': {
      const { data } = deauthorized.safeParse(look.parsed);
      const credential = data && ofApp.find((known) => isOf(known, data.payload.user_id, data.payload.account_id));
      if (credential === undefined) return;
      credential.status = 'unhealthy';
      state.noteAboutCredential(credential.id, 'The user removed the app from their Zoom account.');
      return;
    }
  }
}
