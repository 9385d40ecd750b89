package service

import "reflect"

// opsAddress finds the field of type OpsConfig in the struct that config points to; "" if there is none.
func opsAddress(config any) string {
	v := reflect.ValueOf(config).Elem()
	if v.Kind() != reflect.Struct {
		return ""
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			if ops, ok := reflect.TypeAssert[OpsConfig](v.Field(i)); ok {
				return ops.Address
			}
		}
	}
	return ""
}
