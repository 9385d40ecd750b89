package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// Classify gives a driver error its fault class by SQLSTATE. The message is fit for a client: it says what it means and holds no
// driver text. An error that is already classified, and nil, are returned as they are.
//
//	08*, 57P0*, 53300, no connection      Unavailable  "postgres.down"
//	3D000, 28*                            Unavailable  "postgres.access" (the operator's mistake, not the request's)
//	40001, 40P01                          Unavailable  "postgres.conflict" (retry)
//	55P03, 57014                          Unavailable  "postgres.timeout" (lock or statement timeout)
//	53*, 54*                              Overloaded   "postgres.full" (disk full, out of memory, a limit)
//	25006                                 Unavailable  "postgres.read_only"
//	42P01, 42703, 42883, 3F000            Unavailable  "postgres.schema" (a table, column or function is missing)
//	22*, 23*, 44*                         Invalid      "postgres.data" (a value that does not fit, a constraint)
//	09*, 27*, 38*, 39*, P0001, P0004      Invalid      "postgres.data" (a trigger or function refuses the row)
//	23514 on a partitioned table          Unavailable  "postgres.no_partition"
//	else                                  Internal     "postgres"
func Classify(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoRows.Wrap(err, "not found")
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if lost(err) {
			return errDown.Wrap(err, "the database does not answer")
		}
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return fault.ErrTimeout.Wrap(err, "the request ran out of time")
		}
		return errOther.Wrap(err, "a database operation failed")
	}
	switch pg.Code {
	case "40001", "40P01":
		return errConflict.Wrap(err, "the transaction met a concurrent one; try again")
	case "55P03", "57014":
		return errStatementTimeout.Wrap(err, "the database did not answer in time")
	case "25006":
		return errReadOnly.Wrap(err, "the database is read-only")
	case "3D000":
		return errAccess.Wrap(err, "the database does not exist")
	case "53300":
		return errDown.Wrap(err, "the database has no free connection")
	case "42P01", "42703", "42883", "3F000":
		return errSchema.Wrap(err, "the database lacks a table, column or function that this build uses")
	}
	if pg.Code == "23514" && pg.ConstraintName == "" {
		return errNoPartition.Wrap(err, "the table has no partition for this time")
	}
	switch class := pg.Code[:min(2, len(pg.Code))]; {
	case class == "08", pg.Code == "57P01", pg.Code == "57P02", pg.Code == "57P03", pg.Code == "57P05":
		return errDown.Wrap(err, "the database is not available")
	case class == "28":
		return errAccess.Wrap(err, "the database refuses the login")
	case class == "53", class == "54":
		return errResource.Wrap(err, "the database has run out of a resource")
	case slices.Contains([]string{"09", "22", "23", "27", "38", "39", "44"}, class), pg.Code == "P0001", pg.Code == "P0004":
		return errData.Wrap(err, "the database refuses a value")
	}
	return errOther.Wrap(err, "a database operation failed")
}

// Starting reports whether err can go away by waiting for a server that starts, stops or fails over.
func Starting(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case "57P01", "57P02", "57P03", "53300":
			return true
		}
		return len(pg.Code) > 1 && pg.Code[:2] == "08"
	}
	return lost(err)
}

// MissingPartition reports whether err says that a table has no partition for a row.
func MissingPartition(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23514" && pg.ConstraintName == ""
}

// LockTimeout reports whether err says that a lock was not to be had in time.
func LockTimeout(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "55P03"
}

// MissingTable reports whether err says that a table is not there.
func MissingTable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "42P01"
}

// DataLimit reports whether err says that a value is beyond one of PostgreSQL's limits (class 54: an index entry too wide, a string too
// long for jsonb), so that it will be beyond it the next time too. The same SQLSTATE is what a database gives that takes no writes lest
// its transaction numbers wrap around; that is no matter of the data.
func DataLimit(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || len(pg.Code) != 5 || pg.Code[:2] != "54" {
		return false
	}
	return pg.Routine != "GetNewTransactionId" && pg.Routine != "GetNewMultiXactId"
}

// Refusal names what PostgreSQL said of a row, fit for a client: the SQLSTATE and what was hurt, without values or text of the server. "" where err is
// none of PostgreSQL's.
func Refusal(err error) string {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return ""
	}
	parts := []string{"SQLSTATE " + pg.Code}
	for _, part := range []struct{ what, name string }{{"constraint ", pg.ConstraintName}, {"column ", pg.ColumnName}, {"table ", pg.TableName}} {
		if part.name != "" {
			parts = append(parts, part.what+strconv.Quote(part.name))
		}
	}
	return strings.Join(parts, ", ")
}

// lost: the connection could not be made or broke.
func lost(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false // the caller's own time is up, which is a net.Error too
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}
