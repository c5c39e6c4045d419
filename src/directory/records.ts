/** Where the directory of one app is kept. */
export interface DirectoryRecords {
  /** `undefined` when there is none, or it has expired. */
  read(key: string): Promise<string | undefined>;
  /**
   * Writes `next` if the record is still `expected` (`undefined`: if there is none); tags are replaced along with it.
   *
   * @returns whether it was
   */
  swap(
    key: string,
    expected: string | undefined,
    next: { value: string; tags?: readonly string[]; expiresAtMs?: number },
  ): Promise<boolean>;
  /** @returns whether there was one */
  remove(key: string): Promise<boolean>;
  /** Keys descending, those below `before`. */
  list(query: {
    tag?: string;
    prefix?: string;
    before?: string;
    limit: number;
  }): Promise<readonly { key: string; value: string }[]>;
}
