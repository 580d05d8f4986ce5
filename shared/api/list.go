package api

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"aksio.app/shared/page"
)

// ListQuery asks for one page of a list. Embed it in a request.
type ListQuery struct {
	PageQuery
	PageSize string `query:"page_size" doc:"Items on a page, 1 to 100; 20 otherwise."`
}

// Resolve is how huma tells the query where it was asked.
func (q *ListQuery) Resolve(ctx huma.Context) []error {
	return q.resolve(ctx, q.PageSize, page.MaxSize)
}

// LongListQuery is ListQuery for lists of long things: a page of 100 might be
// larger than an instance can hold.
type LongListQuery struct {
	PageQuery
	PageSize string `query:"page_size" doc:"Items on a page, 1 to 20; 20 otherwise."`
}

// Resolve is how huma tells the query where it was asked.
func (q *LongListQuery) Resolve(ctx huma.Context) []error {
	return q.resolve(ctx, q.PageSize, page.MaxLongSize)
}

// PageQuery is what both have in common.
type PageQuery struct {
	Page string `query:"page" doc:"Number of the page, from 1 and up to the 100,000th item, or last."`

	request page.Request
	address url.URL
}

func (q *PageQuery) resolve(ctx huma.Context, asked string, most int) []error {
	q.request = page.Request{Number: 1, Size: page.DefaultSize}
	if size, err := strconv.Atoi(asked); err == nil && size >= 1 && size <= most {
		q.request.Size = size // nonsense is ignored
	}
	switch number, err := strconv.Atoi(q.Page); {
	case q.Page == "":
	case q.Page == "last":
		q.request.Number = page.Last
	case err != nil || number < 1 || number > 1e9:
		return []error{newProblem(http.StatusNotFound, "", "Invalid page.")}
	default:
		q.request.Number = number
	}
	q.address = ctx.URL()
	return nil
}

// Request returns the page that is asked for.
func (q *PageQuery) Request() page.Request { return q.request }

// List is the body of an answer with one page of a list.
type List[T any] struct {
	Count    int     `json:"count" doc:"Items on all pages."`
	Next     *string `json:"next" doc:"Address of the next page."`
	Previous *string `json:"previous" doc:"Address of the page before."`
	Results  []T     `json:"results"`
}

// NewList returns the page as the query's answer, each item as view shows it.
func NewList[T, U any](q *PageQuery, p page.Page[T], view func(T) U) List[U] {
	list := List[U]{Count: p.Count, Results: Each(p.Items, view)}
	if p.Number < page.Pages(p.Count, q.request.Size) {
		list.Next = q.link(p.Number + 1)
	}
	if p.Number > 1 {
		list.Previous = q.link(p.Number - 1)
	}
	return list
}

// Each returns all items as view shows them.
func Each[T, U any](items []T, view func(T) U) []U {
	shown := make([]U, len(items))
	for i, item := range items {
		shown[i] = view(item)
	}
	return shown
}

func (q *PageQuery) link(number int) *string {
	address := q.address
	query := address.Query()
	query.Set("page", strconv.Itoa(number))
	if number == 1 {
		query.Del("page")
	}
	address.RawQuery = query.Encode()
	text := address.String()
	return &text
}
