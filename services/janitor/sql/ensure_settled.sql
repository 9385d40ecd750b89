-- What a settled segment needs: the day of its body, and the month of its group.
SELECT public.ensure_partition('{{.Body}}', $1), public.ensure_partition('{{.Group}}', $1)
