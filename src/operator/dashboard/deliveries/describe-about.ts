import type { DeliveryRow } from '../../schemas.ts';

/** What a notification is about, most telling first: `meeting 1234567890, jane@example.com`. Empty when nothing is known. */
export function describeAbout({ meetingId, userId, email, accountId }: DeliveryRow['about']): string {
  const meeting = meetingId === undefined ? [] : [`meeting ${meetingId}`];
  const user = email ?? (userId === undefined ? undefined : `user ${userId}`);
  const found = [...meeting, ...(user === undefined ? [] : [user])];
  return found.length === 0 && accountId !== undefined ? `account ${accountId}` : found.join(', ');
}
