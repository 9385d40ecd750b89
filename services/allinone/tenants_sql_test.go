package allinone

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// reader is somebody with a role of SQL, and all that the database says to him.
type reader struct {
	t    *testing.T
	conn *pgx.Conn
	said bytes.Buffer // notices
}

// try runs statements by the simple protocol, which takes several at once, and gives all that came back: columns, rows, notices, the error.
func (r *reader) try(sql string) (text string, err error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), testbed.Patience)
	defer cancel()
	var b strings.Builder
	results, err := r.conn.PgConn().Exec(ctx, sql).ReadAll()
	for _, result := range results {
		for _, f := range result.FieldDescriptions {
			fmt.Fprintln(&b, f.Name)
		}
		for _, row := range result.Rows {
			fmt.Fprintf(&b, "%s\n", bytes.Join(row, []byte("\t")))
		}
		b.WriteString(result.CommandTag.String() + "\n")
	}
	if err != nil {
		fmt.Fprintf(&b, "%+v", err)
		if e, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // pgconn gives it so
			b.WriteString(e.Detail + e.Hint + e.Where + e.InternalQuery)
		}
	}
	b.WriteString(r.said.String())
	r.said.Reset()
	_, _ = r.conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
	return b.String(), err
}

// anew forgets what the session has, but that it may write: read-only is a default, which everybody may set for himself.
func (r *reader) anew() {
	r.t.Helper()
	for _, sql := range []string{`DISCARD ALL`, `SET default_transaction_read_only = off`} {
		_, err := r.try(sql)
		require.NoError(r.t, err)
	}
}

// copyOut is COPY … TO STDOUT.
func (r *reader) copyOut(sql string) string {
	r.t.Helper()
	var b bytes.Buffer
	if _, err := r.conn.PgConn().CopyTo(r.t.Context(), &b, sql); err != nil {
		b.WriteString(err.Error())
	}
	return b.String()
}

// connect makes a role that can log in, lets it in for a tenant, and logs in as it.
func (w *world) connect(role string, a *tenant) *reader {
	w.t.Helper()
	password := settings.NewSecret()
	w.secrets["password of the role "+role] = password
	_, err := w.pool.Exec(w.t.Context(), fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s'`, role, password))
	require.NoError(w.t, err)
	_, err = w.pool.Exec(w.t.Context(), `SELECT olly.grant_read($1, $2)`, role, string(a.name))
	require.NoError(w.t, err)
	u, err := url.Parse(w.svc.DatabaseURL())
	require.NoError(w.t, err)
	u.User = url.UserPassword(role, password)
	r := &reader{t: w.t}
	cfg, err := pgx.ParseConfig(u.String())
	require.NoError(w.t, err)
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { fmt.Fprintln(&r.said, n.Message, n.Detail, n.Where) }
	r.conn, err = pgx.ConnectConfig(w.t.Context(), cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = r.conn.Close(context.WithoutCancel(w.t.Context())) })
	r.anew()
	return r
}

// bySQL has the role of each tenant read all there is, in every way there is.
func (w *world) bySQL() {
	w.t.Helper()
	roles := []string{"reads_crimson", "reads_azure"}
	var readers []*reader
	for i, a := range w.tenants {
		readers = append(readers, w.connect(roles[i], a))
	}
	_, err := w.pool.Exec(w.t.Context(), `ANALYZE`) // so that there are statistics to look into
	require.NoError(w.t, err)
	relations := w.column(`SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 't') AND (n.nspname NOT LIKE 'pg\_%' OR n.nspname = 'pg_toast') AND n.nspname <> 'information_schema' ORDER BY 1`)
	catalogues := w.column(`SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'v') AND n.nspname IN ('pg_catalog', 'information_schema') ORDER BY 1`)
	require.Greater(w.t, len(relations), 50)
	// What a leaf allows, all leaves allow: of those of one parent the first and the last are changed.
	tables := w.column(`SELECT DISTINCT format('%I.%I', n.nspname, c.relname) FROM (
			SELECT c.*, row_number() OVER leaves AS first, row_number() OVER (PARTITION BY coalesce(i.inhparent, c.oid) ORDER BY c.oid DESC) AS last
			FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relkind IN ('r', 'p', 'v', 'S')
			WINDOW leaves AS (PARTITION BY coalesce(i.inhparent, c.oid) ORDER BY c.oid)) c
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE 1 IN (first, last) AND n.nspname IN ('public', 'olly') ORDER BY 1`)
	w.t.Logf("%d relations, %d of the system, %d that are tried to be changed", len(relations), len(catalogues), len(tables))
	for i, a := range w.tenants {
		b, r, other := w.tenants[1-i], readers[i], roles[1-i]
		_, marks := b.marks()
		none := func(text, what string) {
			w.t.Helper()
			w.without(marks, text, what)
		}
		w.readsItsOwn(r, a)
		for _, relation := range append(slices.Clone(relations), catalogues...) {
			text, _ := r.try(`SELECT * FROM ` + relation)
			none(text, relation)
		}
		for _, relation := range relations {
			for _, sql := range []string{`TABLE ONLY ` + relation, `EXPLAIN (ANALYZE, VERBOSE, SETTINGS) SELECT * FROM ` + relation, `SELECT r::text, row_to_json(r) FROM ` + relation + ` r`} {
				text, _ := r.try(sql)
				none(text, sql)
			}
			none(r.copyOut(`COPY `+relation+` TO STDOUT`), "COPY of "+relation)
			none(r.copyOut(`COPY (SELECT * FROM `+relation+`) TO STDOUT`), "COPY of a query of "+relation)
		}
		for _, relation := range tables {
			for _, sql := range []string{
				`DELETE FROM ` + relation, `TRUNCATE ` + relation, `ALTER TABLE ` + relation + ` DISABLE ROW LEVEL SECURITY`, `ALTER TABLE ` + relation + ` OWNER TO CURRENT_USER`,
				`GRANT ALL ON ` + relation + ` TO PUBLIC`, `CREATE TRIGGER t BEFORE INSERT ON ` + relation + ` EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
				`CREATE POLICY mine ON ` + relation + ` USING (true)`, `CREATE RULE r AS ON INSERT TO ` + relation + ` DO NOTHING`, `LOCK TABLE ` + relation + ` IN ACCESS EXCLUSIVE MODE`,
				`COPY ` + relation + ` FROM PROGRAM 'true'`, `COPY ` + relation + ` TO '/tmp/olly-copied'`,
			} {
				text, err := r.try(sql)
				require.True(w.t, err != nil || strings.Contains(text, "no privileges were granted"), "%s: %s", sql, text)
			}
		}
		w.tricks(r, a, b, other, none)
	}
	w.functions(readers)
	w.rolesKnown(append(roles, "postgres"))
}

// readsItsOwn shows that a role reads what it is let in to, or the rest would say nothing.
func (w *world) readsItsOwn(r *reader, a *tenant) {
	w.t.Helper()
	for _, view := range []string{"olly.spans", "olly.traces", "olly.logs", "olly.metrics", "public.spans_fact", "public.service_dim", "olly.reader", "olly.rows"} {
		text, err := r.try(`SELECT * FROM ` + view)
		require.NoError(w.t, err, view)
		require.Contains(w.t, text, string(a.name), view)
		require.True(w.t, strings.Contains(text, a.word) || view == "olly.reader" || view == "olly.rows", view)
		require.Contains(w.t, r.copyOut(`COPY (SELECT * FROM `+view+`) TO STDOUT`), string(a.name), view)
	}
}

// tricks are what a session may set, make and ask to get round the policies.
func (w *world) tricks(r *reader, a, b *tenant, other string, none func(text, what string)) {
	w.t.Helper()
	sees := `SELECT * FROM olly.spans; SELECT * FROM olly.traces; SELECT * FROM olly.logs; SELECT * FROM olly.metrics; SELECT * FROM public.service_dim; SELECT * FROM olly.reader`
	for _, sql := range []string{
		`SET ROLE ` + other, `SET SESSION AUTHORIZATION ` + other, `SELECT set_config('role', '` + other + `', false)`, `SELECT set_config('session_authorization', '` + other + `', false)`,
		`SET ROLE postgres`, `SELECT set_config('is_superuser', 'on', false)`, `RESET SESSION AUTHORIZATION`, `SET SESSION SESSION AUTHORIZATION DEFAULT`,
		`SET olly.tenant = '` + string(b.name) + `'`, `SELECT set_config('olly.tenant', '` + string(b.name) + `', false)`, `SET olly.reader = '` + other + `'`,
		`SET row_security = off`, `SELECT set_config('row_security', 'off', false)`, `SET search_path = pg_temp, olly, public, pg_catalog`,
		`CREATE TEMP TABLE reader (reader regrole, tenant_id text); INSERT INTO pg_temp.reader VALUES (current_user::regrole, '` + string(b.name) + `'); SET search_path = pg_temp, olly, public`,
		`CREATE FUNCTION pg_temp.to_regrole(text) RETURNS regrole LANGUAGE sql AS $$ SELECT '` + other + `'::regrole $$; SET search_path = pg_temp, pg_catalog, olly, public`,
		`CREATE FUNCTION pg_temp.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT '` + other + `' $$; SET search_path = pg_temp, pg_catalog, olly, public`,
		`INSERT INTO olly.reader (reader, tenant_id) VALUES (current_user::regrole, '` + string(b.name) + `')`,
		`UPDATE olly.reader SET tenant_id = '` + string(b.name) + `'`,
		`SELECT olly.grant_read(current_user, '` + string(b.name) + `')`, `GRANT ` + other + ` TO CURRENT_USER`,
		`ALTER ROLE CURRENT_USER BYPASSRLS`, `ALTER ROLE CURRENT_USER SUPERUSER`, `ALTER ROLE ` + other + ` PASSWORD 'mine'`,
		`CREATE VIEW public.peek AS SELECT * FROM olly.spans`, `CREATE VIEW pg_temp.peek AS SELECT * FROM olly.spans; SELECT * FROM pg_temp.peek`,
		`CREATE OR REPLACE FUNCTION olly.ns(timestamptz) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'`, `CREATE OR REPLACE VIEW olly.spans AS SELECT 1`,
		`CREATE TABLE public.mine (x int)`, `CREATE SCHEMA mine`, `CREATE EXTENSION dblink`, `CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
		`CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)`,
		`SELECT pg_read_file('postgresql.conf')`, `SELECT pg_ls_dir('.')`, `SELECT lo_import('/etc/passwd')`, `SELECT * FROM pg_ls_waldir()`, `COPY (SELECT 1) TO PROGRAM 'true'`,
		`SELECT * FROM pg_stat_activity`, `SELECT * FROM pg_authid`, `SELECT * FROM pg_shadow`, `SELECT * FROM pg_statistic`, `SELECT * FROM pg_stats WHERE tablename ~ '_(fact|dim|segment)'`,
		`SELECT * FROM pg_stats_ext`, `SELECT * FROM pg_hba_file_rules`, `SELECT pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v'`, `SELECT * FROM pg_prepared_statements`,
		`SELECT pg_notify('x', 'y'); LISTEN x`, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user`,
	} {
		text, _ := r.try(sql + "; " + sees)                     // in one transaction
		none(strings.ReplaceAll(text, string(b.name), ""), sql) // the name that the statement says itself is no news
		_, _ = r.try(sql)
		text, _ = r.try(sees) // and after it, where it was allowed
		none(text, "after "+sql)
		r.anew()
	}
	// A condition that speaks, or fails, must not be asked of a row that the policy hides; nor its cost lift it above the policy.
	for _, view := range []string{"olly.spans", "olly.traces", "olly.logs", "olly.metrics", "public.spans_fact", "public.logs_fact", "public.service_dim", "public.operation_dim", "public.series_dim"} {
		for _, sql := range []string{
			`CREATE FUNCTION pg_temp.speaks(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'heard %', $1; RETURN true; END $$;
				SELECT count(*) FROM ` + view + ` v WHERE pg_temp.speaks(v::text)`,
			`CREATE FUNCTION pg_temp.speaks(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'heard %', $1; RETURN true; END $$;
				SELECT count(*) FROM ` + view + ` v WHERE pg_temp.speaks(v.tenant_id) OR v.tenant_id = '` + string(b.name) + `'`,
			`SELECT count(*) FROM ` + view + ` v WHERE v.tenant_id = '` + string(b.name) + `' AND v::text::int > 0`,
			`SELECT v::text::int FROM ` + view + ` v WHERE tenant_id <> '` + string(a.name) + `'`,
			`SELECT count(*) FROM ` + view + ` v WHERE 1 / (CASE WHEN tenant_id = '` + string(b.name) + `' THEN 0 ELSE 1 END) = 1`,
			`EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) SELECT * FROM ` + view + ` WHERE tenant_id = '` + string(b.name) + `'`,
			`DECLARE c CURSOR WITH HOLD FOR SELECT * FROM ` + view + `; FETCH ALL FROM c`,
			`PREPARE p AS SELECT * FROM ` + view + `; EXECUTE p`, `SELECT query_to_xml('SELECT * FROM ` + view + `', true, true, '')`, `SELECT table_to_xml('` + view + `', true, true, '')`,
		} {
			text, err := r.try(sql)
			// The name that the statement says itself stands in its plan.
			none(strings.ReplaceAll(text, string(b.name), ""), sql)
			if strings.Contains(sql, "1 / (CASE") || strings.Contains(sql, "AND v::text::int") {
				require.NoError(w.t, err, "%s: the condition met a row of another", sql)
			}
			if strings.Contains(sql, "speaks(v::text)") {
				require.Contains(w.t, text, "heard", view)
				require.NotContains(w.t, text, string(b.name), view)
			}
			r.anew()
		}
	}
}

// functions finds that no function of ours that everybody may call does more than reckon: one that runs with the rights of its owner, or asks
// a table, would be a door beside the policies.
func (w *world) functions(readers []*reader) {
	w.t.Helper()
	ours := `FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('public', 'olly')`
	require.Empty(w.t, w.column(`SELECT p.oid::regprocedure::text `+ours+` AND p.prosecdef`), "no function lends its owner's rights")
	callable := w.column(`SELECT p.oid::regprocedure::text ` + ours + ` AND has_function_privilege('reads_crimson', p.oid, 'EXECUTE') AND p.provolatile <> 'i' ORDER BY 1`)
	relations := w.column(`SELECT oid::regclass::text FROM pg_class WHERE relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\_%') ORDER BY 1`)
	defer func() {
		require.Equal(w.t, relations, w.column(`SELECT oid::regclass::text FROM pg_class WHERE relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\_%') ORDER BY 1`),
			"nothing was made or dropped")
	}()
	for _, f := range callable { // what it does, it does by the rights of who calls it
		at := strings.Index(f, "(")
		var args []string
		if list := strings.Trim(f[at:], "()"); list != "" {
			for kind := range strings.SplitSeq(list, ",") {
				args = append(args, map[bool]string{true: "'spans_fact'", false: "1"}[strings.Contains(kind, "text") || strings.Contains(kind, "reg") || strings.Contains(kind, "name")]+"::"+kind)
			}
		}
		for i, r := range readers {
			text, _ := r.try(`SELECT ` + f[:at] + `(` + strings.Join(args, ", ") + `)`)
			_, marks := w.tenants[1-i].marks()
			w.without(marks, text, f)
		}
	}
}

// rolesKnown finds that there is no role that nobody thought of here.
func (w *world) rolesKnown(known []string) {
	w.t.Helper()
	slices.Sort(known)
	require.Equal(w.t, known, w.column(`SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`))
	require.Equal(w.t, []string{"postgres"}, w.column(`SELECT rolname::text FROM pg_roles WHERE (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication) AND rolname !~ '^pg_'`))
}
