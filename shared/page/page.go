// Package page describes one page of a long, ordered list.
package page

// Sizes of a page, in items.
const (
	DefaultSize = 20
	MaxSize     = 100
	MaxLongSize = 20 // where each item may be long
)

// MaxText is how many bytes a text may have that lists of MaxSize items show whole.
const MaxText = 32 << 10

// MaxDepth is the last item of a list that a page's number reaches: all items
// before a page are passed over.
const MaxDepth = 100_000

// Request asks for one page.
type Request struct {
	Number int // from 1; Last for the last page
	Size   int // 1 to MaxSize
}

// Last is the number of the last page, whichever that is.
const Last = 0

// Page is one page of a list.
type Page[T any] struct {
	Items  []T
	Count  int // of all pages
	Number int // of this page, from 1
}

// Pages returns how many pages of the size hold count items: at least one.
func Pages(count, size int) int { return max(1, (count+size-1)/size) }
