package database

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/fault"
	"aksio.app/shared/page"
)

// List reads one page of `SELECT columns from ORDER BY order` and the number of
// rows of all pages, in one round trip. From is everything from FROM up to
// ORDER BY, with $1… for args; order must break every tie. A page behind the
// last is NotFound; the first page may be empty.
func List[T any](ctx context.Context, db *DB, req page.Request, columns, from, order string, args ...any) (page.Page[T], error) {
	n := len(args)
	number, size := req.Number, req.Size
	var batch pgx.Batch
	batch.Queue("SELECT count(*) "+from, args...)
	offset := fmt.Sprintf("$%d", n+2)
	if number == page.Last {
		// The offset is found in the same round trip; the parameter keeps its place.
		offset = fmt.Sprintf("$%d::bigint + greatest(0, (SELECT count(*) %s) - 1) / $%d::bigint * $%d::bigint", n+2, from, n+1, n+1)
	}
	batch.Queue(fmt.Sprintf("SELECT %s %s ORDER BY %s LIMIT $%d OFFSET %s", columns, from, order, n+1, offset),
		append(args[:n:n], size, max(0, number-1)*size)...)

	results := db.SendBatch(ctx, &batch)
	defer results.Close()
	p := page.Page[T]{Number: number}
	if err := results.QueryRow().Scan(&p.Count); err != nil {
		return p, err
	}
	rows, _ := results.Query()
	items, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return p, err
	}
	p.Items = items
	pages := page.Pages(p.Count, size)
	if number == page.Last {
		p.Number = pages
	} else if number > pages {
		return p, fault.New(fault.NotFound, "Invalid page.")
	}
	return p, nil
}

// Changes returns `column = $n, …` and the arguments for the fields of a change
// that are set: the patch.Field fields of the struct, by their `db` tag. The first
// argument gets number first. Both are empty when nothing is set.
func Changes(change any, first int) (string, []any) {
	var set []string
	var args []any
	v := reflect.ValueOf(change)
	for i := range v.NumField() {
		column := v.Type().Field(i).Tag.Get("db")
		field, ok := v.Field(i).Interface().(interface {
			IsSet() bool
			Any() any
		})
		if !ok || column == "" || !field.IsSet() {
			continue
		}
		set = append(set, fmt.Sprintf("%s = $%d", column, first+len(args)))
		args = append(args, field.Any())
	}
	return strings.Join(set, ", "), args
}

// Values is Changes for an INSERT: `, column…` and `, $n…` for the fields that are
// set, to stand behind the columns that every row gets.
func Values(change any, first int) (columns, placeholders string, args []any) {
	set, args := Changes(change, first)
	if set == "" {
		return "", "", nil
	}
	for _, one := range strings.Split(set, ", ") {
		column, placeholder, _ := strings.Cut(one, " = ")
		columns += ", " + column
		placeholders += ", " + placeholder
	}
	return columns, placeholders, args
}
