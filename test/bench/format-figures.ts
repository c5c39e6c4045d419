export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

/** A line for each. */
export function formatFigures(figures: readonly Figure[]): string {
  const digits = (value: number): number => (value < 1 ? 2 : value < 10 ? 1 : 0);
  return figures
    .map(({ what, value, unit }) => `${what.padEnd(60)}${value.toFixed(digits(value)).padStart(10)} ${unit}\n`)
    .join('');
}
