/**
 * Has `ask` answer one at a time: whoever comes while it is under way gets the same answer, and so does whoever comes
 * within `keptMs` after it.
 */
export function answerOnce<T>(ask: () => Promise<T>, keptMs: number, nowMs: () => number): () => Promise<T> {
  let current: { readonly answer: Promise<T>; endedAtMs?: number } | undefined;
  return () => {
    if (current !== undefined && (current.endedAtMs === undefined || nowMs() - current.endedAtMs < keptMs)) {
      return current.answer;
    }
    const asked: NonNullable<typeof current> = { answer: ask() };
    current = asked;
    asked.answer.then(
      () => {
        asked.endedAtMs = nowMs();
      },
      () => {
        if (current === asked) current = undefined; // a failure is nobody else's answer
      },
    );
    return asked.answer;
  };
}
