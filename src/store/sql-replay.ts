import { RelayError } from '../errors.ts';
import { type NewReplayMark, type ReplayResult, replayResults } from './kept-delivery.ts';
import { keptReplays } from './replay-marks.ts';
import type { Queries } from './sql-ledger.ts';

/**
 * Puts a job back to be attempted anew, in one transaction that holds its row: no worker gets it without its mark, no two
 * replays move it twice; the triggers of the ledger count it. The moves are BullMQ's own functions. Its `reprocess_job`
 * forgets the stack traces, which hold the attempt records: they are put back, with that of the attempt that had delivered.
 */
export function replayFunction(schema: string, queueSchema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.attempt_of(record text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN (record::jsonb->>'attempt')::bigint;
EXCEPTION WHEN others THEN RETURN NULL; -- the stack of a surprise
END $$;

CREATE OR REPLACE FUNCTION ${schema}.replay(the_queue text, the_id text, mark jsonb, is_forced boolean, kept integer)
  RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  job ${queueSchema}.job;
  marks jsonb;
  traces jsonb;
  attempts bigint;
BEGIN
  SELECT * INTO job FROM ${queueSchema}.job WHERE queue = the_queue AND id = the_id FOR UPDATE;
  IF NOT FOUND THEN RETURN 'gone'; END IF;
  marks := CASE jsonb_typeof(job.progress) WHEN 'array' THEN job.progress ELSE '[]' END;
  IF marks->-1->>'replayId' = mark->>'replayId' THEN RETURN 'replayed'; END IF;
  IF job.state = 'completed' AND NOT is_forced THEN RETURN 'delivered_already'; END IF;
  IF job.state NOT IN ('completed', 'failed', 'delayed') THEN RETURN 'on_its_way'; END IF;

  traces := CASE jsonb_typeof(job.stacktrace) WHEN 'array' THEN job.stacktrace ELSE '[]' END;
  IF job.state = 'completed' AND ${schema}.attempt_of(job.return_value::text) IS NOT NULL THEN
    traces := traces || to_jsonb(job.return_value::text);
  END IF;
  -- Counted by the records' own numbers: only the last 100 are kept. Older ones may all say 1, from before they were.
  SELECT greatest(count(attempt), max(attempt), (marks->-1->>'attemptsBefore')::bigint, 0) INTO attempts
    FROM (SELECT ${schema}.attempt_of(trace) AS attempt FROM jsonb_array_elements_text(traces) AS trace) AS records;
  marks := marks || jsonb_build_array(mark || jsonb_build_object('attemptsBefore', attempts));
  WHILE jsonb_array_length(marks) > kept LOOP marks := marks - 0; END LOOP;

  IF job.state = 'delayed' THEN PERFORM ${queueSchema}.promote(the_queue, the_id);
  ELSE PERFORM ${queueSchema}.reprocess_job(the_queue, the_id, job.state::text, false, false, false);
  END IF;
  UPDATE ${queueSchema}.job SET progress = marks, stacktrace = traces WHERE queue = the_queue AND id = the_id;
  RETURN CASE job.state WHEN 'delayed' THEN 'brought_forward' ELSE 'replayed' END;
END $$;`;
}

export async function replayDelivery(
  pool: Queries,
  schema: string,
  queueName: string,
  id: string,
  { replayId, atMs, resign }: NewReplayMark,
  isForced: boolean,
): Promise<ReplayResult> {
  const text = `SELECT ${schema}.replay($1, $2, $3::jsonb, $4, $5) AS result`;
  const mark = JSON.stringify({ replayId, atMs, resign });
  const { rows } = await pool.query<{ result: string }>(text, [queueName, id, mark, isForced, keptReplays]);
  const result = replayResults.find((known) => known === rows[0]?.result);
  if (result === undefined) throw new RelayError('internal', 'the store answered something else');
  return result;
}
