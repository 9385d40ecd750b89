-- What people keep in the interface under a name: questions, and later boards of them. A new table, a row for each; nothing that is there is read or changed.
-- Which kinds there are, and what a document of each holds, is the query service's to know: a kind that only a later build knows is kept and listed all the same.
CREATE TABLE public.saved_query (
  tenant_id text NOT NULL,
  saved_id text NOT NULL CHECK (saved_id ~ '^[a-z2-7]{16}$'),
  kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
  page text NOT NULL DEFAULT '' CHECK (page ~ '^[a-z_]{0,40}$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  description text NOT NULL DEFAULT '' CHECK (length(description) <= 1000),
  document json NOT NULL CHECK (octet_length(document::text) <= 65536),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, saved_id)
);

COMMENT ON TABLE public.saved_query IS 'what people of a tenant keep under a name: questions to the query service';
COMMENT ON COLUMN public.saved_query.kind IS 'what the document is: query; dashboard';
COMMENT ON COLUMN public.saved_query.page IS 'the list that a query is of: traces, spans, logs, metrics; empty for other kinds';
COMMENT ON COLUMN public.saved_query.document IS 'as it was sent, without blanks';
COMMENT ON COLUMN public.saved_query.version IS 'counts the times it was written: who replaces it says which he has seen';
COMMENT ON COLUMN public.saved_query.created_by IS 'the key or the person; empty where nobody says who he is';

ALTER TABLE public.saved_query ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.saved_query USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r
  WHERE r.reader = to_regrole(quote_ident(current_user)))));
