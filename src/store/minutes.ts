/** Ledgers count by the minute, for a day. */
export const minuteMs = 60_000;
export const dayMinutes = 1440;
