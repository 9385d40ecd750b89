package otlp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeverityTextsStandForNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"TRACE": 1, "trace4": 4, "Debug": 5, "DEBUG2": 6, "info": 9, "INFO2": 10, "notice": 10, "Warn": 13, "WARNING": 13, "warn3": 15, "Err": 17, "error": 17,
		"ERROR4": 20, "SEVERE": 17, "critical": 18, "CRIT": 18, "alert": 19, "emerg": 21, "FATAL": 21, "fatal4": 24, "FINE": 6, "CONFIG": 7,
		"E": 17, "w": 13, "wrn": 13, "fail": 17, "dbug": 5, "ftl": 21, "[ERROR]": 17, "warn:": 13, "<I>": 9, "INFORMAÇÃO": 9, "Crítico": 18, "Fehler": 17,
	} {
		require.Equal(t, want, SeverityOf([]byte(text)), text)
	}
	for _, text := range []string{
		"", " ", "[]", "info0", "info5", "warn0", "error12", "loud", "3", "30", "unknown", "infoinfo", "tracé", "\xff", strings.Repeat("[", 40) + "error", "error\x00",
	} {
		require.Zero(t, SeverityOf([]byte(text)), "%q", text)
	}
	words := 0
	for number, list := range severityWords() {
		require.True(t, number >= 1 && number <= 24)
		words += len(strings.Fields(list))
		for word := range strings.FieldsSeq(list) {
			require.Equal(t, number, SeverityOf([]byte(strings.ToUpper(word))), word)
			require.LessOrEqual(t, len(word), mostSeverity)
		}
	}
	require.Len(t, severityNumbers, words+24, "a word stands for two numbers")
}

func TestSeverityThatWasSentHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number int64
		text   string
		as     int64
		is     bool
	}{{9, "ERROR", 9, false}, {0, "ERROR", 17, true}, {0, "loud", 0, false}, {0, "", 0, false}, {-3, "ERROR", -3, false}, {99, "", 99, false}} {
		as, is := LogSeverity(c.number, []byte(c.text))
		require.Equal(t, c.as, as)
		require.Equal(t, c.is, is)
	}
}
