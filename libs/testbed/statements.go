package testbed

import (
	"reflect"
	"strconv"
	"strings"
)

// Statements lists the texts in the fields of a struct, of the structs and arrays in it too, each after its path: the SQL that a role has
// made of its files, for a golden file.
func Statements(v any) string {
	var b strings.Builder
	listTexts(&b, "", reflect.Indirect(reflect.ValueOf(v)))
	return b.String()
}

func listTexts(b *strings.Builder, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		b.WriteString("---- " + strings.TrimPrefix(path, ".") + "\n" + v.String() + "\n\n")
	case reflect.Struct:
		for i := range v.NumField() {
			listTexts(b, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			listTexts(b, path+"["+strconv.Itoa(i)+"]", v.Index(i))
		}
	default: // what makes statements, not a statement
	}
}
