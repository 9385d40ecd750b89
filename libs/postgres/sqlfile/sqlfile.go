// Package sqlfile is the one door to a role's SQL files. A file is one statement, or a template of one (text/template); its values are
// bound, only names of tables and columns, and parts that a query has or has not, are filled in. A field that a file names and its data lacks
// is an error, and what a role needs on every start is rendered when it starts.
package sqlfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"text/template"
)

// Files are the parsed files of a role. Render may be called at the same time.
type Files struct {
	parsed *template.Template
	errs   []error
}

// Parse reads sql/*.sql. Err says what is wrong with them.
func Parse(files fs.FS) *Files {
	t, err := template.New("sql").Option("missingkey=error").ParseFS(files, "sql/*.sql")
	if err != nil {
		return &Files{parsed: template.New("sql"), errs: []error{fmt.Errorf("parse SQL: %w", err)}}
	}
	return &Files{parsed: t}
}

// Render fills in the template sql/<name>.sql.
func (f *Files) Render(name string, data any) (string, error) {
	var b strings.Builder
	if err := f.parsed.ExecuteTemplate(&b, name+".sql", data); err != nil {
		return "", fmt.Errorf("render SQL: %w", err)
	}
	return strings.TrimSpace(b.String()), nil
}

// Text is Render for statements that are made once, when the role starts: an error is kept for Err, so that a role can list its statements.
func (f *Files) Text(name string, data any) string {
	text, err := f.Render(name, data)
	if err != nil {
		f.errs = append(f.errs, err)
	}
	return text
}

// Err is what was wrong with the files or with any Text.
func (f *Files) Err() error { return errors.Join(f.errs...) }

// Table is the data of a file that names one table.
type Table struct{ Table string }
