-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.{{.Table}} (tenant_id, last_seen_day{{range .Columns}}, {{.Name}}{{end}}) VALUES
{{range $i, $row := .Rows}}{{if $i}},
{{end}}  ($1::text, $2::date{{range $row}}, ${{.Parameter}}::{{.Type}}{{end}})
{{- end}}
ON CONFLICT DO NOTHING
RETURNING {{.Key}}
