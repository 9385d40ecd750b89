package otlpjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

// Plain says in plain words what is wrong with JSON that encoding/json refused, and where: no type of Go has a place in an answer.
func Plain(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		where := ""
		if t.Field != "" {
			where = strings.ToLower(t.Field) + ": "
		}
		return fmt.Errorf("%swant %s, not %s", where, wanted(t.Type), article(t.Value))
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errors.New("this is no JSON: " + err.Error())
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("this is no JSON: it ends early")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("there is no member %.64s", name)
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok || strings.HasPrefix(err.Error(), "Time.UnmarshalJSON") {
		return errors.New("a time is wanted as RFC 3339 writes it")
	}
	return err
}

// wanted is what JSON a type of Go is read from.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	}
	return "an object"
}

// article is what encoding/json calls a value, as a person does; "number 1.5" stays as it is.
func article(value string) string {
	switch value {
	case "object", "array":
		return "an " + value
	case "bool":
		return "true or false"
	case "string", "number":
		return "a " + value
	}
	return value
}
