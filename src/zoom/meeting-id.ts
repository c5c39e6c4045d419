/**
 * The digits of a meeting id as people write it: `857 4606 5432`, `857-4606-5432`. `undefined` when it is not 1 to 20
 * digits.
 */
export function meetingIdFrom(text: string): string | undefined {
  const digits = text.replace(/[\s\p{Pd}]/gu, '');
  return /^\d{1,20}$/.test(digits) ? digits : undefined;
}
