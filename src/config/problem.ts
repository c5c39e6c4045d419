/** What is wrong, named by where it stands: `APPS_FILE apps.acme.recall.region`. Never a value. */
export interface Problem {
  readonly where: string;
  readonly what: string;
}

export type Report = (where: string, what: string) => void;
