interface Answer {
  readonly outcome: string;
  readonly status?: number | undefined;
  readonly error?: string | undefined;
}

/** What an attempt was answered: `503 unavailable`, `ECONNREFUSED, unavailable`, `delivered`. */
export function describeAnswer({ outcome, status, error }: Answer): string {
  if (status !== undefined) return `${status} ${outcome}`;
  return error === undefined ? outcome : `${error}, ${outcome}`;
}
