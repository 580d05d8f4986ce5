// Package moment reads the times that clients send.
package moment

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgtype"
)

// Time is a point in time of the years 1 to 9999 in UTC: what JSON and the database
// can hold. As input a day will do, which means its first moment in UTC.
type Time struct{ time.Time }

// UnmarshalJSON reads RFC 3339 or YYYY-MM-DD, once the schema's pattern let it pass.
func (m *Time) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		t, err := time.Parse(layout, strings.ToUpper(text))
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
			return fmt.Errorf("%.40q is outside of the years 1 to 9999 in UTC", text)
		}
		m.Time = t
		return nil
	}
	return fmt.Errorf("%.40q is no time: write one such as 2026-06-01T09:00:00Z, or a day", text)
}

// TimestamptzValue is how pgx stores the moment.
func (m Time) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: m.Time, Valid: true}, nil
}

// Schema describes the moment as a text.
func (Time) Schema(r huma.Registry) *huma.Schema {
	schema := r.Schema(reflect.TypeFor[string](), true, "")
	schema.Nullable = true
	// Go also reads fractions after a comma and offsets of a day or more.
	schema.Pattern = `^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d))?$`
	schema.PatternDescription = "a time such as 2026-06-01T09:00:00Z, or a day"
	schema.Examples = []any{"2026-06-01T09:00:00Z", "2026-06-01"}
	return schema
}
