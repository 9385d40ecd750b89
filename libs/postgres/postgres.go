// Package postgres opens pools, waits for a schema version, runs transactions and turns SQLSTATE into a fault class.
package postgres
