import type { ContenderFigures, FigureName } from './compare.ts';

const titles: Readonly<Record<FigureName, string>> = {
  acknowledgedPerSec: 'acknowledged a second',
  deliveredPerSec: 'delivered a second, while loaded',
  throughPerSec: 'acknowledged and delivered, a second',
  ackP50Ms: 'acknowledgement, median, ms',
  ackP99Ms: 'acknowledgement, 99 %, ms',
  steadyAckP50Ms: 'at the same rate: acknowledgement, median',
  steadyAckP99Ms: '  acknowledgement, 99 %, ms',
  deliveryP50Ms: '  sent to delivered, median, ms',
  deliveryP99Ms: '  sent to delivered, 99 %, ms',
  cpuMsPer1000: 'CPU for 1,000 notifications, ms',
  peakMemoryMb: 'memory at its most, MiB',
  storeBytesPerKept: 'Redis memory for a kept delivery, bytes',
};
const titleWidth = 44;
const columnWidth = 20;

/** A column for each contender: the figure, and its ratio to the first contender's. */
export function formatComparison(columns: readonly ContenderFigures[]): string {
  const headings = columns.map(({ name }, index) => `${index + 1} ${name}`);
  const numbers = columns.map((_, index) => String(index + 1).padStart(columnWidth)).join('');
  const names = Object.keys(titles) as FigureName[];
  const rows = names.map((name) => {
    const first = columns[0]?.figures[name];
    const cells = columns.map(({ figures }, index) => cellOf(figures[name], index === 0 ? undefined : first));
    return titles[name].padEnd(titleWidth) + cells.join('');
  });
  return [...headings, '', ''.padEnd(titleWidth) + numbers, ...rows, ''].join('\n');
}

function cellOf(figure: number | undefined, first: number | undefined): string {
  if (figure === undefined) return '–'.padStart(columnWidth);
  const text = figure.toLocaleString('en-US', { maximumSignificantDigits: 3 });
  const ratio = first === undefined ? '' : ` (${(figure / first).toFixed(2)} ×)`;
  return (text + ratio).padStart(columnWidth);
}
