package otlp

import (
	"bytes"
	"strconv"
	"strings"
)

// What a severity's text says of its number, for records that came with a text alone: what reads files, journals and old formats sends these.

// severityWords are the words that loggers write, in small letters, by the number that they stand for. The six ranges are named by Severities. The rest follows the
// mapping of the OpenTelemetry specification (logs data model, appendix B) where it names a level; where two of its columns differ (syslog's critical is
// ERROR2, .NET's FATAL) the lower one holds, which is an error in either. Short forms are those of klog and Android (one letter), Serilog and .NET's console
// (three and four letters); words of other languages are those of Windows' event log and of PostgreSQL. What is not here is not guessed: digits mean other
// things to syslog, Python and Bunyan.
func severityWords() map[int64]string {
	return map[int64]string{
		1:  "t trc trce finest all",
		5:  "d dbg dbug debugging debug1 v vrb verbose finer",
		6:  "fine",
		7:  "config",
		9:  "i inf information informational información informação informazione informazioni info1 log",
		10: "n note notice success hinweis",
		13: "w wrn warning warnung avertissement avviso attention advertencia advertência aviso warn1",
		17: "e err eror fail failure severe fehler erreur errore erro error1",
		18: "c crt crit critical dpanic kritisch critique crítico critico",
		19: "a alert panic",
		21: "f ftl fatal1 emerg emergency assert fataal schwerwiegend",
	}
}

var severityNumbers = numbersOf(severityWords()) //nolint:gochecknoglobals // a table

func numbersOf(words map[int64]string) map[string]int64 {
	out := map[string]int64{}
	for number, list := range words {
		for word := range strings.FieldsSeq(list) {
			out[word] = number
		}
	}
	for place, name := range Severities() {
		least, greatest := SeveritiesOf(place)
		out[name] = least
		for number := least + 1; number <= greatest; number++ {
			out[name+strconv.FormatInt(number-least+1, 10)] = number
		}
	}
	return out
}

// mostSeverity is how many bytes a word has at most: the longest has 14, and some have signs around them.
const mostSeverity = 32

// SeverityOf is the number that a severity's text stands for, 1 to 24, whatever its case and with brackets, colons and spaces around it left out; 0 where the
// text says none. It is for records whose number is 0.
func SeverityOf(text []byte) int64 {
	if len(text) == 0 || len(text) > mostSeverity {
		return 0
	}
	word := bytes.Trim(text, " \t\r\n[]()<>{}|:\"'")
	var buffer [mostSeverity]byte
	lower := buffer[:0]
	for _, c := range word {
		if c >= 0x80 {
			return severityNumbers[string(bytes.ToLower(word))]
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower = append(lower, c)
	}
	return severityNumbers[string(lower)]
}

// LogSeverity is by which severity number a log record is filtered and counted, from what was sent of it (0 is none): one without a number has that which
// its text stands for, if any.
func LogSeverity(number int64, text []byte) (as int64, isDerived bool) {
	if number == 0 {
		as = SeverityOf(text)
		return as, as != 0
	}
	return number, false
}
