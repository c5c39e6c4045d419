const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `90s`, `5m`, `72h`, `7d` → milliseconds; `undefined` for any other text. */
export function parseDuration(value: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(ms|[smhd])$/.exec(value) ?? [];
  return amount === undefined ? undefined : Number(amount) * unitMs[unit as keyof typeof unitMs];
}

const maxSteps = 50;
const [minStepMs, maxStepMs] = [100, unitMs.d];
/** For error messages. */
export const scheduleRule = `up to ${maxSteps} durations from 100ms to 24h`;

/** The waits between attempts, milliseconds; `undefined` when they are not what `scheduleRule` says. */
export function parseSchedule(steps: readonly string[]): readonly number[] | undefined {
  const parsed = steps.map((step) => parseDuration(step.trim()));
  const valid = parsed.filter((ms) => ms !== undefined && ms >= minStepMs && ms <= maxStepMs);
  return valid.length === steps.length && steps.length <= maxSteps ? (valid as number[]) : undefined;
}
