// Package id gives every kind of thing its own type of id, so that a course's
// id can't be passed where a card's is wanted.
package id

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync/atomic"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// ID identifies one T. New ids are UUIDv7: they sort by the time of creation,
// which keeps index pages together. The zero value identifies nothing.
type ID[T any] uuid.UUID

// New returns a fresh id.
func New[T any]() ID[T] { return ID[T](uuid.Must(uuid.NewV7())) }

type firstKey struct{}

// WithFirst returns a context of a call that may be the repetition of one whose
// outcome nobody knows. The first thing that either makes has the given id, so that it
// is made once. It comes with the context because no handler knows of repetitions.
func WithFirst(ctx context.Context, first uuid.UUID) context.Context {
	left := new(atomic.Pointer[uuid.UUID])
	left.Store(&first)
	return context.WithValue(ctx, firstKey{}, left)
}

// For returns an id for what a call makes: the one of WithFirst, once, else a fresh one.
func For[T any](ctx context.Context) ID[T] {
	if left, ok := ctx.Value(firstKey{}).(*atomic.Pointer[uuid.UUID]); ok {
		if first := left.Swap(nil); first != nil {
			return ID[T](*first)
		}
	}
	return New[T]()
}

// Next returns the id after this one: where it can't be used, every repetition of a call
// comes to the same other.
func (i ID[T]) Next() ID[T] {
	for n := len(i) - 1; n >= 0; n-- {
		if i[n]++; i[n] != 0 {
			break
		}
	}
	return i
}

// IsZero reports whether the id identifies nothing.
func (i ID[T]) IsZero() bool { return i == ID[T]{} }

// String returns the lower-case hyphenated form.
func (i ID[T]) String() string { return uuid.UUID(i).String() }

// MarshalText writes the lower-case hyphenated form.
func (i ID[T]) MarshalText() ([]byte, error) { return uuid.UUID(i).MarshalText() }

// UnmarshalText reads the hyphenated form, in either case, and no other. The zero
// id isn't read: where it stands for "any" or "none", a caller who writes it out
// would choose what no id can.
func (i *ID[T]) UnmarshalText(text []byte) error {
	parsed, err := uuid.ParseBytes(text)
	if err != nil || len(text) != 36 { // uuid.Parse also takes URNs, braces and bare digits
		return fmt.Errorf("%.40q is not an id: want 36 characters such as 0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c", text)
	}
	if parsed == uuid.Nil {
		return fmt.Errorf("%s identifies nothing", text)
	}
	*i = ID[T](parsed)
	return nil
}

// Schema describes the id as the API's document has it.
func (ID[T]) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}

// UUIDValue lets pgx send the id in binary.
func (i ID[T]) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: i, Valid: !i.IsZero()}, nil
}

// ScanUUID lets pgx read the id in binary; NULL is the zero id.
func (i *ID[T]) ScanUUID(v pgtype.UUID) error {
	*i = ID[T](v.Bytes)
	return nil
}

// Value is for drivers other than pgx's own.
func (i ID[T]) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil
	}
	return i.String(), nil
}
