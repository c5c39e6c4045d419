/** The events the directory is kept from. */
export const directoryEvents = [
  'meeting.created',
  'meeting.updated',
  'meeting.deleted',
  'user.updated',
  'app_deauthorized',
] as const;
