import { gaveWayText } from "../store.ts";

/** Whether a table is missing, BullMQ's own among them. */
export const isGone = `SELECT num_nulls(to_regclass('job'), to_regclass('psp_record'), to_regclass('psp_note'), to_regclass('psp_journal')) > 0 AS gone`;

/**
 * What the state store is on PostgreSQL: tables and functions beside BullMQ's, in the same schema. Can be run again at any time, also by two
 * processes at once, inside one transaction; times are milliseconds since the epoch by the engine's clock.
 */
export const storeSchema = `
SELECT pg_advisory_xact_lock(hashtext('norce-psp-store'));

CREATE TABLE IF NOT EXISTS psp_record (
  kind text NOT NULL,
  id text COLLATE "C" NOT NULL,
  version text NOT NULL,
  value text NOT NULL,
  written_at bigint NOT NULL,
  expires_at bigint,
  PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS psp_record_newest ON psp_record (kind, written_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS psp_record_ends ON psp_record (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS psp_note (
  id text PRIMARY KEY,
  version text,
  asked_by text,
  announced_at bigint,
  last_from bigint,
  hints jsonb NOT NULL DEFAULT '{}',
  hint_count bigint NOT NULL DEFAULT 0,
  known text,
  expires_at bigint NOT NULL
);
ALTER TABLE psp_note ADD COLUMN IF NOT EXISTS wait_group text;
ALTER TABLE psp_note ADD COLUMN IF NOT EXISTS wait_since bigint;
CREATE INDEX IF NOT EXISTS psp_note_ends ON psp_note (expires_at);
CREATE INDEX IF NOT EXISTS psp_note_waits ON psp_note (wait_group) WHERE wait_group IS NOT NULL;

CREATE TABLE IF NOT EXISTS psp_journal (
  id text PRIMARY KEY,
  entries text[] NOT NULL,
  size bigint NOT NULL,
  written_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
ALTER TABLE psp_journal ADD COLUMN IF NOT EXISTS order_id text;
ALTER TABLE psp_journal ADD COLUMN IF NOT EXISTS payment text;
CREATE INDEX IF NOT EXISTS psp_journal_order ON psp_journal (order_id);
CREATE INDEX IF NOT EXISTS psp_journal_newest ON psp_journal (written_at DESC, id, size);
CREATE INDEX IF NOT EXISTS psp_journal_ends ON psp_journal (expires_at);

CREATE OR REPLACE FUNCTION psp_now() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

-- p_of: id, order and payment. p_lines: at, like, text of each line, as texts.
CREATE OR REPLACE FUNCTION psp_append(p_of jsonb, p_lines jsonb, p_most integer, p_ttl bigint) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  p_id text := p_of ->> 'id';
  v_entries text[];
  v_over integer;
  v_last text;
  v_parts text[];
  v_at text;
  v_like text;
  v_text text;
BEGIN
  IF jsonb_array_length(p_lines) = 0 THEN RETURN; END IF;
  DELETE FROM psp_journal WHERE id = p_id AND expires_at <= psp_now();
  SELECT entries INTO v_entries FROM psp_journal WHERE id = p_id FOR UPDATE;
  v_entries := COALESCE(v_entries, '{}');
  FOR i IN 0 .. jsonb_array_length(p_lines) / 3 - 1 LOOP
    v_at := p_lines ->> (3 * i);
    v_like := p_lines ->> (3 * i + 1);
    v_text := p_lines ->> (3 * i + 2);
    v_last := v_entries[cardinality(v_entries)];
    v_parts := regexp_match(v_last, '^(\\d+);(\\d+);\\d+;([^;]*);');
    IF v_parts[3] = v_like THEN
      v_entries[cardinality(v_entries)] :=
        (v_parts[1]::bigint + 1) || ';' || v_parts[2] || ';' || v_at || ';' || v_like || ';' || v_text;
    ELSE
      v_entries := v_entries || ('1;' || v_at || ';' || v_at || ';' || v_like || ';' || v_text);
    END IF;
  END LOOP;
  v_over := cardinality(v_entries) - p_most;
  IF v_over > 0 THEN
    v_entries := (
      SELECT sum(split_part(entry, ';', 1)::bigint) || ';' || min(split_part(entry, ';', 2)::bigint) || ';'
          || max(split_part(entry, ';', 3)::bigint) || ';;${gaveWayText}'
        FROM unnest(v_entries[:v_over + 1]) AS entry
    ) || v_entries[v_over + 2:];
  END IF;
  INSERT INTO psp_journal (id, entries, size, written_at, expires_at, order_id, payment) VALUES (
    p_id, v_entries, octet_length(array_to_string(v_entries, '')), psp_now(), psp_now() + p_ttl,
    p_of ->> 'order', p_of ->> 'payment'
  ) ON CONFLICT (id) DO UPDATE SET
    entries = EXCLUDED.entries, size = EXCLUDED.size, written_at = EXCLUDED.written_at, expires_at = EXCLUDED.expires_at,
    order_id = EXCLUDED.order_id, payment = EXCLUDED.payment;
END $$;

-- Notes first; whoever calls this adds the looks afterwards, in the same statement.
CREATE OR REPLACE FUNCTION psp_ask(p jsonb) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  ask jsonb;
  v_hints jsonb;
  v_count bigint;
BEGIN
  FOR ask IN SELECT value FROM jsonb_array_elements(p -> 'asks') LOOP
    IF ask ? 'version' OR ask ? 'lastFrom' THEN
      DELETE FROM psp_note WHERE id = ask ->> 'id' AND expires_at <= psp_now();
      INSERT INTO psp_note AS n (id, version, asked_by, announced_at, last_from, expires_at)
      VALUES (ask ->> 'id', ask ->> 'version', ask ->> 'by', (ask ->> 'announcedAt')::bigint,
        (ask ->> 'lastFrom')::bigint, psp_now() + (p ->> 'ttl')::bigint)
      ON CONFLICT (id) DO UPDATE SET
        version = COALESCE(EXCLUDED.version, n.version),
        asked_by = COALESCE(EXCLUDED.asked_by, n.asked_by),
        announced_at = COALESCE(EXCLUDED.announced_at, n.announced_at),
        last_from = COALESCE(EXCLUDED.last_from, n.last_from),
        expires_at = GREATEST(EXCLUDED.expires_at, n.expires_at)
      RETURNING hints, hint_count INTO v_hints, v_count;
      IF ask ? 'hint' THEN
        v_hints := v_hints || jsonb_build_object(ask ->> 'hint', jsonb_build_array(v_count + 1, ask ->> 'version'));
        UPDATE psp_note SET hint_count = v_count + 1, hints = (
          SELECT jsonb_object_agg(key, value) FROM (
            SELECT key, value FROM jsonb_each(v_hints)
             ORDER BY (value ->> 0)::bigint DESC LIMIT (p ->> 'mostHints')::integer
          ) AS newest
        ) WHERE id = ask ->> 'id';
      END IF;
    END IF;
    PERFORM psp_append(ask, ask -> 'journal', (p ->> 'most')::integer, (p ->> 'journalTtl')::bigint);
  END LOOP;
  RETURN jsonb_array_length(p -> 'asks');
END $$;

-- p_of: id, order and payment.
CREATE OR REPLACE FUNCTION psp_settle(p_of jsonb, p_queue text, p_job text, p_token text, p jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  p_id text := p_of ->> 'id';
  v_note psp_note;
  v_hint record;
BEGIN
  SELECT * INTO v_note FROM psp_note WHERE id = p_id AND expires_at > psp_now() FOR UPDATE;
  PERFORM 1 FROM job
    WHERE queue = p_queue AND id = p_job AND state = 'active' AND lock_token = p_token FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  IF v_note.id IS NULL AND p ? 'known' THEN
    DELETE FROM psp_note WHERE id = p_id AND expires_at <= psp_now();
    -- What was asked between the two is left as it is.
    INSERT INTO psp_note (id, known, wait_group, wait_since, expires_at)
      VALUES (p_id, p ->> 'known', p ->> 'group', (p ->> 'since')::bigint, psp_now() + (p ->> 'ttl')::bigint)
      ON CONFLICT (id) DO UPDATE SET
        known = EXCLUDED.known, wait_group = EXCLUDED.wait_group, wait_since = EXCLUDED.wait_since;
  ELSIF v_note.id IS NOT NULL THEN
    FOR v_hint IN SELECT value ->> 0 AS reference, value ->> 1 AS read FROM jsonb_array_elements(p -> 'hints') LOOP
      IF v_note.hints -> v_hint.reference ->> 1 = v_hint.read THEN
        v_note.hints := v_note.hints - v_hint.reference;
      END IF;
    END LOOP;
    IF v_note.version = p ->> 'announced' THEN
      v_note.version := NULL; v_note.asked_by := NULL; v_note.announced_at := NULL;
    END IF;
    IF v_note.last_from = (p ->> 'last')::bigint THEN v_note.last_from := NULL; END IF;
    IF v_note.version IS NULL AND v_note.last_from IS NULL AND v_note.hints = '{}' AND NOT p ? 'known' THEN
      DELETE FROM psp_note WHERE id = p_id;
    ELSE
      IF p ? 'group' THEN
        v_note.wait_since := CASE WHEN v_note.wait_group = p ->> 'group'
          THEN LEAST(v_note.wait_since, (p ->> 'since')::bigint) ELSE (p ->> 'since')::bigint END;
        v_note.wait_group := p ->> 'group';
      END IF;
      UPDATE psp_note SET wait_group = v_note.wait_group, wait_since = v_note.wait_since, version = v_note.version, asked_by = v_note.asked_by, announced_at = v_note.announced_at,
        last_from = v_note.last_from, hints = v_note.hints, known = p ->> 'known',
        expires_at = psp_now() + (p ->> 'ttl')::bigint
      WHERE id = p_id;
    END IF;
  END IF;
  PERFORM psp_append(p_of, p -> 'journal', (p ->> 'most')::integer, (p ->> 'journalTtl')::bigint);
  RETURN true;
END $$;
`;

/** Takes what has expired out of all tables. */
export const deleteExpired = `
WITH records AS (DELETE FROM psp_record WHERE expires_at <= psp_now()),
     notes AS (DELETE FROM psp_note WHERE expires_at <= psp_now())
DELETE FROM psp_journal WHERE expires_at <= psp_now()`;

/** $1: bytes of all journals together. Those that were not written for the longest time give way. */
export const trimJournals = `
DELETE FROM psp_journal WHERE id IN (
  SELECT id FROM (
    SELECT id, sum(size) OVER (ORDER BY written_at DESC, id) - size AS newer, sum(size) OVER (ORDER BY written_at DESC, id) AS total
      FROM psp_journal
  ) AS sizes WHERE total > $1::bigint AND newer > 0
)`;
