package database

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/fault"
	"aksio.app/shared/page"
)

// List is what can be read page by page: rows of one table, in an order that
// breaks every tie.
type List struct {
	Columns string
	From    string   // the table and its alias, such as "flashcards f"
	Where   string   // with $1… for args
	Order   []string // columns of the table that are never NULL, each with DESC if it descends
	// Count tells how many rows there are on all pages; its parameters are the first
	// ones of Where. Empty, they are counted, up to page.MaxDepth.
	Count string
}

// Counted is a Count of one of the lists of list_counts whose owner is $1.
func Counted(list string) string {
	return "SELECT coalesce((SELECT items FROM list_counts WHERE user_id = $1 AND list = '" + list + "' AND course_id = '00000000-0000-0000-0000-000000000000'), 0)"
}

// CountedOf is Counted for what belongs to the course $2.
func CountedOf(list string) string {
	return "SELECT coalesce((SELECT items FROM list_counts WHERE user_id = $1 AND list = '" + list + "' AND course_id = $2), 0)"
}

// Page reads one page of the list and the number of rows of all pages, in one
// round trip. A page behind the last is NotFound, as is one behind page.MaxDepth
// rows, since all rows before a page are passed over; the first page may be empty.
func Page[T any](ctx context.Context, db *DB, req page.Request, l List, args ...any) (page.Page[T], error) {
	p := page.Page[T]{Number: req.Number}
	if req.Number*req.Size > page.MaxDepth {
		return p, fault.New(fault.NotFound, "Invalid page. Pages reach to item %d; the page last is there, too.", page.MaxDepth)
	}
	count := l.Count
	if count == "" {
		count = fmt.Sprintf("SELECT count(*) FROM (SELECT FROM %s WHERE %s LIMIT %d) listed", l.From, l.Where, page.MaxDepth)
	}
	var batch pgx.Batch
	batch.Queue(count, args[:parameters(count)]...)
	if req.Number > 1 {
		args = append(slices.Clip(args), (req.Number-1)*req.Size)
	}
	batch.Queue(l.page(req, count, len(args)), args...)
	results := db.SendBatch(ctx, &batch)
	defer results.Close()
	if err := results.QueryRow().Scan(&p.Count); err != nil {
		return p, err
	}
	rows, _ := results.Query()
	items, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return p, err
	}
	p.Items = items
	pages := page.Pages(p.Count, req.Size)
	if req.Number == page.Last {
		p.Number = pages
	} else if req.Number > pages {
		return p, fault.New(fault.NotFound, "Invalid page.")
	}
	return p, nil
}

// page returns the statement that reads a page; the last of its n arguments is how
// many rows are before it, unless it is the first or the last page. The size stands
// in the statement, so that every plan knows how few rows are wanted. Of rows that
// are passed over only the order is read; the last page is read from the end.
func (l List) page(req page.Request, count string, n int) string {
	order := strings.Join(l.Order, ", ")
	if req.Number == 1 {
		return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d", l.Columns, l.From, l.Where, order, req.Size)
	}
	alias := l.From[strings.LastIndexByte(l.From, ' ')+1:]
	way := fmt.Sprintf("%s LIMIT %d OFFSET $%d", order, req.Size, n)
	if req.Number == page.Last {
		way = fmt.Sprintf("%s LIMIT (SELECT (greatest(n, 1) - 1) %% %d + 1 FROM (%s) counted (n))", reversed(l.Order), req.Size, count)
	}
	return fmt.Sprintf("SELECT %s FROM %s JOIN (SELECT %s.id AS listed FROM %s WHERE %s ORDER BY %s) page ON %s.id = page.listed ORDER BY %s",
		l.Columns, l.From, alias, l.From, l.Where, way, alias, order)
}

// reversed returns the order from the end.
func reversed(order []string) string {
	turned := make([]string, len(order))
	for i, column := range order {
		if ascending, ok := strings.CutSuffix(column, " DESC"); ok {
			turned[i] = ascending
		} else {
			turned[i] = column + " DESC"
		}
	}
	return strings.Join(turned, ", ")
}

var parameter = regexp.MustCompile(`\$(\d+)`)

// parameters returns the highest number of the statement's parameters.
func parameters(sql string) int {
	most := 0
	for _, found := range parameter.FindAllStringSubmatch(sql, -1) {
		n, _ := strconv.Atoi(found[1])
		most = max(most, n)
	}
	return most
}

// Changes returns `column = $n, …` and the arguments for the fields of a change
// that are set: the patch.Field fields of the struct, by their `db` tag. The first
// argument gets number first. Both are empty when nothing is set.
func Changes(change any, first int) (string, []any) {
	columns, args := fields(change)
	set := make([]string, len(columns))
	for i, column := range columns {
		set[i] = fmt.Sprintf("%s = $%d", column, first+i)
	}
	return strings.Join(set, ", "), args
}

// Values is Changes for an INSERT: `, column…` and `, $n…` for the fields that are
// set, to stand behind the columns that every row gets.
func Values(change any, first int) (columns, placeholders string, args []any) {
	set, args := fields(change)
	for i, column := range set {
		columns += ", " + column
		placeholders += fmt.Sprintf(", $%d", first+i)
	}
	return columns, placeholders, args
}

// fields returns the columns and the values of the fields that are set.
func fields(change any) (columns []string, values []any) {
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
		columns, values = append(columns, column), append(values, field.Any())
	}
	return columns, values
}
