// Package patch tells a field that was left out of a change from one that was
// set, to null or to a value.
package patch

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Field is one optional field of a change. The zero value leaves the stored
// value alone. T is a pointer where the field may be set to null.
type Field[T any] struct {
	Set   bool // the field was sent
	Value T
}

// To returns a field that sets the value.
func To[T any](value T) Field[T] { return Field[T]{Set: true, Value: value} }

// Or returns the value if it was sent, else the other.
func (f Field[T]) Or(other T) T {
	if f.Set {
		return f.Value
	}
	return other
}

// UnmarshalJSON is called for fields that are present, null included. It decodes
// anew: a field that is sent twice has nothing of what was sent first.
func (f *Field[T]) UnmarshalJSON(data []byte) error {
	f.Set = true
	if bytes.Equal(data, []byte("null")) && reflect.TypeFor[T]().Kind() != reflect.Pointer {
		return errors.New("null isn't allowed here: leave the field out, or send a value")
	}
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	f.Value = value
	return nil
}

// IsSet and Any let code that doesn't know T read the field (database.Changes).
func (f Field[T]) IsSet() bool { return f.Set }

// Any returns the value as any.
func (f Field[T]) Any() any { return f.Value }

// Schema describes the field as a T.
func (f Field[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	schema := r.Schema(t, true, "")
	if t.Kind() == reflect.Pointer && schema.Type != "" {
		schema.Nullable = true // huma forgets it of arrays, such as ids are
	}
	return schema
}

// Entry is one of a list of short texts.
type Entry string

// Schema bounds its length: lists show such texts whole.
func (Entry) Schema(huma.Registry) *huma.Schema {
	most := 200
	return &huma.Schema{Type: huma.TypeString, MaxLength: &most}
}
