-- Enters requests of one tenant, each once in each of its homes, into the ledger for the UTC day on which they are written and for the day after, which
-- it guards. A concurrent claim of the same request waits for this transaction. One order for all, so that concurrent claims cannot deadlock. Only the
-- row of today in the home where the items lie counts.
{{- if .Ask}} It says which rows are new: a request of which all are is claimed with all that it covers;
-- of any other, some items are stored, and what is new of it, the rows say that were there before.
{{- else}} Where somebody has claimed one, the unique key refuses it, and the transaction
-- with it.
{{- end}}
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
{{range $i, $c := .Rows}}{{if $i}},
{{end}}  ($1::date, ${{$c.ID}}::uuid, $2::text, ${{$c.Placement}}::text, $3::smallint, ${{$c.Position}}::bigint, ${{$c.Items}}::integer, ${{$c.Covered}}::text, ${{$c.Guard}}::boolean),
  ($1::date + 1, ${{$c.ID}}::uuid, $2::text, ${{$c.Placement}}::text, $3::smallint, ${{$c.Position}}::bigint, ${{$c.Items}}::integer, ${{$c.Covered}}::text, true)
{{- end}}
{{- if .Ask}}
ON CONFLICT DO NOTHING
RETURNING batch_id, placement, day > $1::date
{{- end}}
