const gap = '  ';

/** Columns as wide as their widest cell, numbers to the right, under a line of headings. Ends with a new line. */
export function formatTable(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const texts = [headings, ...rows.map((row) => row.map((cell) => cell.toLocaleString('en-US')))];
  const widths = headings.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const isNumeric = headings.map((_, column) => rows.some((row) => typeof row[column] === 'number'));
  const lines = texts.map((row) => {
    const cells = row.map((text, column) => {
      const width = widths[column] ?? 0;
      return isNumeric[column] ? text.padStart(width) : text.padEnd(width);
    });
    return cells.join(gap).trimEnd();
  });
  return `${lines.join('\n')}\n`;
}
