const windowMs = 60_000;

/** Counts requests of each endpoint over the last minute. */
export interface Throttle {
  /** Seconds to wait; 0 when the request may pass, and counts. */
  pass(endpoint: string, perMinute: number): number;
}

export function createThrottle(nowMs: () => number): Throttle {
  const passed = new Map<string, readonly number[]>();
  return {
    pass(endpoint, perMinute) {
      const now = nowMs();
      const recent = (passed.get(endpoint) ?? []).filter((atMs) => atMs > now - windowMs);
      const oldest = recent.at(-perMinute);
      if (recent.length < perMinute || oldest === undefined) {
        passed.set(endpoint, [...recent, now]);
        return 0;
      }
      return Math.max(1, Math.ceil((oldest + windowMs - now) / 1000));
    },
  };
}
