-- Claims requests of one placement of which nobody has stored anything: a row of the day and one that guards the day after. Where somebody has, the
-- unique key refuses it, and the transaction with it.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
{{range $i, $c := .}}{{if $i}},
{{end}}  ($1::date, ${{$c.ID}}::uuid, $2::text, $3::text, $4::smallint, ${{$c.Position}}::bigint, ${{$c.Items}}::integer, ${{$c.Covered}}::text, false),
  ($1::date + 1, ${{$c.ID}}::uuid, $2::text, $3::text, $4::smallint, ${{$c.Position}}::bigint, ${{$c.Items}}::integer, ${{$c.Covered}}::text, true)
{{- end}}
