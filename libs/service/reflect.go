package service

import "reflect"

// findOps finds the field of type OpsConfig in the struct that config points to; the zero value, no listener, if there is none.
func findOps(config any) OpsConfig {
	v := reflect.ValueOf(config).Elem()
	if v.Kind() != reflect.Struct {
		return OpsConfig{}
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			if ops, ok := reflect.TypeAssert[OpsConfig](v.Field(i)); ok {
				return ops
			}
		}
	}
	return OpsConfig{}
}
