/** A stranger's text for a line of output: it must not steer the terminal, nor fill it. */
export function oneLine(text: string): string {
  const shown = JSON.stringify(text).slice(1, -1);
  return shown.length > 200 ? `${shown.slice(0, 200)}… (--json shows all)` : shown;
}
