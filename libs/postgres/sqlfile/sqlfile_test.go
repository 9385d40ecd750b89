package sqlfile_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
)

func files(list ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(list); i += 2 {
		out["sql/"+list[i]+".sql"] = &fstest.MapFile{Data: []byte(list[i+1])}
	}
	return out
}

func TestTextsAndTemplates(t *testing.T) {
	t.Parallel()
	f := sqlfile.Parse(files("plain", "-- why\nSELECT 1\n", "of", "SELECT * FROM {{.Table}}{{if .Limit}} LIMIT {{.Limit}}{{end}}\n"))
	require.NoError(t, f.Err())
	require.Equal(t, "-- why\nSELECT 1", f.Text("plain", nil))
	type data struct {
		Table string
		Limit int
	}
	require.Equal(t, "SELECT * FROM a", f.Text("of", data{Table: "a"}))
	text, err := f.Render("of", data{"a", 3})
	require.NoError(t, err)
	require.Equal(t, "SELECT * FROM a LIMIT 3", text)
	require.NoError(t, f.Err())
}

func TestWhatIsWrongIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		data any
		want string
	}{
		"a file that does not parse":   {"SELECT {{.Table", sqlfile.Table{}, "unclosed action"},
		"a field that the data lacks":  {"SELECT {{.Tabel}}", sqlfile.Table{Table: "a"}, "can't evaluate field Tabel"},
		"a key that the map lacks":     {"SELECT {{.Tabel}}", map[string]string{"Table": "a"}, `map has no entry for key "Tabel"`},
		"a template that has no data":  {"SELECT {{.Table}}", nil, "nil data"},
		"a file that is not there":     {"", nil, `no template "it.sql"`},
		"no files at all (a bad path)": {"-", nil, "pattern matches no files"},
	} {
		t.Run(name, func(t *testing.T) {
			list := files("it", c.sql)
			switch c.sql {
			case "":
				list = files("other", "SELECT 1")
			case "-":
				list = files()
			}
			f := sqlfile.Parse(list)
			require.Empty(t, f.Text("it", c.data))
			require.ErrorContains(t, f.Err(), c.want)
		})
	}
}
