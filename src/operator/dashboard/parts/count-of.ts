/** `1 delivery`, `18,190 deliveries`. */
export function countOf(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `18,190`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
